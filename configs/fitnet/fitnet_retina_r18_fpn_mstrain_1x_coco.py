# FitNet: every FPN map of the student imitates the teacher's through a 1x1 convolution of its own
_base_ = '../retinanet/retinanet_r18_fpn_mstrain_1x_coco.py'
model = dict(
    type='SingleTeacherSingleStageDistiller',
    distiller=dict(
        teacher=dict(
            # the model of retinanet_r50_fpn_1x_coco.py, spelled out so that a dumped config stands alone
            config=dict(
                type='RetinaNet',
                backbone=dict(
                    type='ResNet',
                    depth=50,
                    num_stages=4,
                    out_indices=(0, 1, 2, 3),
                    frozen_stages=1,
                    norm_cfg=dict(type='BN', requires_grad=True),
                    norm_eval=True,
                    style='pytorch'),
                neck=dict(
                    type='FPN',
                    in_channels=[256, 512, 1024, 2048],
                    out_channels=256,
                    start_level=1,
                    add_extra_convs='on_input',
                    num_outs=5),
                bbox_head=dict(
                    type='RetinaHead',
                    num_classes=80,
                    in_channels=256,
                    stacked_convs=4,
                    feat_channels=256,
                    anchor_generator=dict(
                        type='AnchorGenerator',
                        octave_base_scale=4,
                        scales_per_octave=3,
                        ratios=[0.5, 1.0, 2.0],
                        strides=[8, 16, 32, 64, 128]),
                    bbox_coder=dict(type='DeltaXYWHBBoxCoder', target_means=[.0, .0, .0, .0], target_stds=[1.0, 1.0, 1.0, 1.0]),
                    loss_cls=dict(type='FocalLoss', use_sigmoid=True, gamma=2.0, alpha=0.25, loss_weight=1.0),
                    loss_bbox=dict(type='L1Loss', loss_weight=1.0)),
                train_cfg=dict(
                    assigner=dict(type='MaxIoUAssigner', pos_iou_thr=0.5, neg_iou_thr=0.4, min_pos_iou=0, ignore_iof_thr=-1),
                    allowed_border=-1,
                    pos_weight=-1,
                    debug=False),
                test_cfg=dict(
                    nms_pre=1000,
                    min_bbox_size=0,
                    score_thr=0.05,
                    nms=dict(type='nms', iou_threshold=0.5),
                    max_per_img=100)),
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
