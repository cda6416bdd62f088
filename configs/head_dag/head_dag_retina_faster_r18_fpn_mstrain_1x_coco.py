# AKD: the assistant's fully connected features imitate the teacher's, box by box
_base_ = '../assist/retina_faster_r18_fpn_mstrain_1x_coco.py'
model = dict(
    type='CrossStageHEAD',
    distiller=dict(
        teacher=dict(
            config={{_base_.faster_rcnn_r50}},
            ckpt='pretrained/mmdetection/faster_rcnn_r50_fpn_mstrain_3x_coco_20210524_110822-e10bd31c.pth'),
        weight_transfer={'.student.roi_head': '.teacher.roi_head'},
        teacher_hooks=dict(
            teacher_fc0=dict(type='StepHook', path='.roi_head.bbox_head.shared_fcs[0]'),
            teacher_fc1=dict(type='StepHook', path='.roi_head.bbox_head.shared_fcs[1]')),
        student_hooks=dict(
            fc0=dict(type='StepHook', path='.roi_head.bbox_head.shared_fcs[0]'),
            fc1=dict(type='StepHook', path='.roi_head.bbox_head.shared_fcs[1]')),
        # a checkpoint names the adapters by their place in this order
        adapts=dict(
            adapted_fc0=dict(type='Linear', in_features=1024, out_features=1024, fields=['fc0']),
            adapted_fc1=dict(type='Linear', in_features=1024, out_features=1024, fields=['fc1'])),
        losses=dict(
            loss_mimic_rcnn_aux=dict(
                type='FeatureMSELoss',
                fields=['adapted_fc0', 'teacher_fc0'],
                weight=dict(type='WarmupScheduler', value=2.0, iter_=2000)),
            loss_mimic_rcnn=dict(
                type='FeatureMSELoss',
                fields=['adapted_fc1', 'teacher_fc1'],
                weight=dict(type='WarmupScheduler', value=2.0, iter_=2000)))))
custom_hooks = [dict(type='NumClassCheckHook'), dict(type='IterationCounterHook')]
