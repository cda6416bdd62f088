_base_ = ['./tf_head_retina_r18_fpn_mstrain_1x_coco.py', '../_base_/backbones/mobilenet_v2.py']
model = {{_base_.mobilenet_v2}}
