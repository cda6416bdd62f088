_base_ = './tf_head_retina_r18_fpn_mstrain_1x_coco.py'
model = dict(
    backbone=dict(
        _delete_=True,
        type='MobileNetV2',
        out_indices=(1, 2, 4, 7),
        act_cfg=dict(type='LeakyReLU', negative_slope=0.1),
        init_cfg=dict(
            type='Pretrained', checkpoint='pretrained/mmdetection/mobilenet_v2_batch256_imagenet-ff34753d.pth')),
    neck=dict(in_channels=[24, 32, 96, 1280]))
