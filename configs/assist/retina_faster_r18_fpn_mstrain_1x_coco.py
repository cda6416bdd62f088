_base_ = [
    '../_base_/models/retina_faster.py',
    '../_base_/datasets/coco_mstrain.py',
    '../_base_/schedules/schedule_1x.py',
    '../_base_/default_runtime.py',
]
model = dict(
    backbone=dict(
        depth=18,
        init_cfg=dict(type='Pretrained', checkpoint='pretrained/torchvision/resnet18-f37072fd.pth')),
    neck=dict(in_channels=[64, 128, 256, 512]),
    rpn_head=dict(type='RetinaRPNHead'),
    roi_head=dict(type='StandardRoIHeadWithBBoxIDs', bbox_roi_extractor=dict(featmap_strides=[8, 16, 32, 64])))
