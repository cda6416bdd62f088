_base_ = [
    '../_base_/models/retinanet.py',
    '../_base_/datasets/coco_mstrain.py',
    '../_base_/schedules/schedule_1x.py',
    '../_base_/default_runtime.py',
]
