# Without a teacher: the dense head's class branch imitates an R-CNN assistant that learns beside it
_base_ = '../assist/retina_faster_r18_fpn_mstrain_1x_coco.py'
model = dict(
    type='TeacherFreeHEAD',
    assistant_weight=dict(
        type='ChainedScheduler', schedulers=[dict(type='WarmupScheduler', iter_=2000), dict(type='UntilLrDrop')]),
    distiller=dict(
        student_hooks=dict(
            cls_maps=dict(type='StepCallsHook', path='.rpn_head.cls_convs[-1]'),
            fc1=dict(type='StepHook', path='.roi_head.bbox_head.shared_fcs[1]'),
            bboxes_ids=dict(type='StepHook', path='.roi_head.bboxes_ids', tracking_mode=True)),
        # a checkpoint names the adapters by their place in this order
        adapts=dict(
            cls_rows=dict(type='Rearrange', pattern='b c h w -> b h w c', parallel=True, fields=['cls_maps']),
            positions=dict(type='CustomAdapt', fields=['bboxes_ids']),
            anchors=dict(type='AnchorIds', fields=['bboxes_ids']),
            cls_feats=dict(type='Index', fields=['cls_rows', 'positions']),
            adapted_cls=dict(
                type='Decouple', num=9, in_features=256, out_features=1024, fields=['cls_feats', 'anchors']),
            rcnn_rows=dict(type='RowsWithCell', fields=['fc1', 'bboxes_ids']),
            rcnn_cls=dict(type='Detach', fields=['rcnn_rows'])),
        losses=dict(
            loss_cross_rcnn=dict(
                type='FeatureMSELoss',
                fields=['adapted_cls', 'rcnn_cls'],
                weight=dict(
                    type='ChainedScheduler',
                    schedulers=[dict(type='WarmupScheduler', iter_=2000), dict(type='UntilLrDrop')],
                    value=1.3)))))
custom_hooks = [
    dict(type='NumClassCheckHook'),
    dict(type='IterationCounterHook'),
    dict(type='StopAtLrDropHook'),
]
