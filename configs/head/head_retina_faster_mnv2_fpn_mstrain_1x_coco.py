_base_ = ['./head_retina_faster_r18_fpn_mstrain_1x_coco.py', '../_base_/backbones/mobilenet_v2.py']
model = {{_base_.mobilenet_v2}}
