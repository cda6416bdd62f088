# The teacher of FitNet, trained as by mmdetection
_base_ = [
    '../_base_/models/retinanet.py',
    '../_base_/datasets/coco_mstrain.py',
    '../_base_/schedules/schedule_3x.py',
    '../_base_/default_runtime.py',
]
model = dict(backbone=dict(init_cfg=dict(type='Pretrained', checkpoint='pretrained/torchvision/resnet50-0676ba61.pth')))
