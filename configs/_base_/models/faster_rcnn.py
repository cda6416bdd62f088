# Faster R-CNN, its backbone's weights left to the config
_base_ = '../detectors/faster_rcnn_r50.py'
model = {{_base_.faster_rcnn_r50}}
