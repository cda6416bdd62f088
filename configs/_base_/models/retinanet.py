# RetinaNet, its backbone's weights left to the config
_base_ = '../detectors/retinanet_r50.py'
model = {{_base_.retinanet_r50}}
