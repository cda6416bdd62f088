# RetinaNet with an assistant R-CNN head on its FPN; the backbone's weights and the heads' types are left to the config
_base_ = ['../detectors/retinanet_r50.py', '../detectors/faster_rcnn_r50.py']
model = dict(
    type='CrossStageDetector',
    backbone={{_base_.retinanet_r50.backbone}},
    neck={{_base_.retinanet_r50.neck}},
    rpn_head={{_base_.retinanet_r50.bbox_head}},
    roi_head={{_base_.faster_rcnn_r50.roi_head}},
    train_cfg=dict(
        rpn={{_base_.retinanet_r50.train_cfg}},
        rpn_proposal={{_base_.faster_rcnn_r50.train_cfg.rpn_proposal}},
        rcnn={{_base_.faster_rcnn_r50.train_cfg.rcnn}}),
    # the dense head alone makes the detections
    test_cfg=dict(rpn={{_base_.retinanet_r50.test_cfg}}, rcnn=None))
