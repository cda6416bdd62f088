# FitNet: every FPN map of the student imitates the teacher's through a 1x1 convolution of its own
_base_ = '../retinanet/retinanet_r18_fpn_mstrain_1x_coco.py'
model = dict(
    type='SingleTeacherSingleStageDistiller',
    distiller=dict(
        teacher=dict(
            config={{_base_.retinanet_r50}},
            ckpt='pretrained/mmdetection/retinanet_r50_fpn_mstrain_3x_coco_20210718_220633-88476508.pth'),
        weight_transfer={'.student.bbox_head': '.teacher.bbox_head'},
        teacher_hooks=dict(teacher_maps=dict(type='StepHook', path='.neck')),
        student_hooks=dict(maps=dict(type='StepHook', path='.neck')),
        adapts=dict(
            adapted_maps=dict(type='Conv2d', in_channels=256, out_channels=256, kernel_size=1, parallel=5,
                              fields=['maps'])),
        losses=dict(
            loss_feat=dict(type='FeatureMSELoss', parallel=True, fields=['adapted_maps', 'teacher_maps']))))
custom_hooks = [dict(type='NumClassCheckHook'), dict(type='IterationCounterHook')]
