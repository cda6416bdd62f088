# The FCOS assistant alone
_base_ = './tf_head_retina_r18_fpn_mstrain_1x_coco.py'
model = dict(
    roi_head=None,
    distiller=dict(
        _delete_=True,
        student_hooks=dict(
            cls_maps={{_base_.model.distiller.student_hooks.cls_maps}},
            fcos_maps={{_base_.model.distiller.student_hooks.fcos_maps}}),
        adapts=dict(
            adapted_maps={{_base_.model.distiller.adapts.adapted_maps}},
            fcos_cls={{_base_.model.distiller.adapts.fcos_cls}}),
        losses=dict(loss_cross_fcos={{_base_.model.distiller.losses.loss_cross_fcos}})))
