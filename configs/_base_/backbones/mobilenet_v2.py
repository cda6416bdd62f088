# MobileNetV2 and the widths of its stages, in the place of a ResNet: model = {{_base_.mobilenet_v2}}
mobilenet_v2 = dict(
    backbone=dict(
        _delete_=True,
        type='MobileNetV2',
        out_indices=(1, 2, 4, 7),
        act_cfg=dict(type='LeakyReLU', negative_slope=0.1),
        init_cfg=dict(
            type='Pretrained', checkpoint='pretrained/mmdetection/mobilenet_v2_batch256_imagenet-ff34753d.pth')),
    neck=dict(in_channels=[24, 32, 96, 1280]))
