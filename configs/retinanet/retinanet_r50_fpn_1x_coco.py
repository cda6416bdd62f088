_base_ = [
    '../_base_/models/retinanet.py',
    '../_base_/datasets/coco.py',
    '../_base_/schedules/schedule_1x.py',
    '../_base_/default_runtime.py',
]
model = dict(
    backbone=dict(depth=50, init_cfg=dict(checkpoint='pretrained/torchvision/resnet50-0676ba61.pth')),
    neck=dict(in_channels=[256, 512, 1024, 2048]))
