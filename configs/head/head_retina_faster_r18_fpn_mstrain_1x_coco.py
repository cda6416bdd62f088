# AKD + CKD: the dense head's class branch imitates the teacher at the cells that the boxes come from
_base_ = '../head_dag/head_dag_retina_faster_r18_fpn_mstrain_1x_coco.py'
model = dict(
    distiller=dict(
        student_hooks=dict(
            cls_maps=dict(type='StepCallsHook', path='.rpn_head.cls_convs[-1]'),
            bboxes_ids=dict(type='StepHook', path='.roi_head.bboxes_ids', tracking_mode=True)),
        adapts=dict(
            cls_rows=dict(type='Rearrange', pattern='b c h w -> b h w c', parallel=True, fields=['cls_maps']),
            positions=dict(type='CustomAdapt', fields=['bboxes_ids']),
            cls_feats=dict(type='Index', fields=['cls_rows', 'positions']),
            adapted_cls=dict(type='Linear', in_features=256, out_features=1024, fields=['cls_feats']),
            teacher_cls=dict(type='RowsWithCell', fields=['teacher_fc1', 'bboxes_ids'])),
        losses=dict(
            loss_cross=dict(
                type='FeatureMSELoss',
                fields=['adapted_cls', 'teacher_cls'],
                weight=dict(type='WarmupScheduler', value=2.0, iter_=2000)))))
