# 36 epochs without clipping, mmdetection's 3x; the learning rate is for 16 images an iteration
_base_ = './schedule_1x.py'
optimizer_config = dict(grad_clip=None)
lr_config = dict(step=[27, 33])
runner = dict(max_epochs=36)
