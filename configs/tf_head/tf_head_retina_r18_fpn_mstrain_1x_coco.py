# The reported one: an FCOS assistant too, whose class maps the dense head's imitate level by level
_base_ = './tf_head_rcnn_retina_r18_fpn_mstrain_1x_coco.py'
model = dict(
    fcos_head=dict(
        type='FCOSAssistant',
        num_classes=80,
        in_channels=256,
        stacked_convs=4,
        feat_channels=256,
        strides=[8, 16, 32, 64, 128],
        norm_on_bbox=True,
        centerness_on_reg=True,
        center_sampling=True,
        loss_cls=dict(type='FocalLoss', use_sigmoid=True, gamma=2.0, alpha=0.25, loss_weight=0.5),
        loss_bbox=dict(type='GIoULoss', loss_weight=0.5),
        loss_centerness=dict(type='CrossEntropyLoss', use_sigmoid=True, loss_weight=0.5)),
    distiller=dict(
        student_hooks=dict(fcos_maps=dict(type='StepCallsHook', path='.fcos_head.cls_convs[-1]')),
        adapts=dict(
            adapted_maps=dict(
                type='Conv2d', in_channels=256, out_channels=256, kernel_size=1, parallel=True, fields=['cls_maps']),
            fcos_cls=dict(type='ListDetach', fields=['fcos_maps'])),
        losses=dict(
            loss_cross_fcos=dict(
                type='FeatureMSELoss',
                parallel=True,
                fields=['adapted_maps', 'fcos_cls'],
                weight={{_base_.model.assistant_weight}}))))
