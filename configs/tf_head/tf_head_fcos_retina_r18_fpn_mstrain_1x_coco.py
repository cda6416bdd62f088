# The FCOS assistant alone
_base_ = './tf_head_retina_r18_fpn_mstrain_1x_coco.py'
model = dict(
    roi_head=None,
    distiller=dict(
        _delete_=True,
        student_hooks=dict(
            cls_maps=dict(type='StepCallsHook', path='.rpn_head.cls_convs[-1]'),
            fcos_maps=dict(type='StepCallsHook', path='.fcos_head.cls_convs[-1]')),
        adapts=dict(
            adapted_maps=dict(
                type='Conv2d', in_channels=256, out_channels=256, kernel_size=1, parallel=True, fields=['cls_maps']),
            fcos_cls=dict(type='ListDetach', fields=['fcos_maps'])),
        losses=dict(
            loss_cross_fcos=dict(
                type='FeatureMSELoss',
                parallel=True,
                fields=['adapted_maps', 'fcos_cls'],
                weight=dict(
                    type='ChainedScheduler',
                    schedulers=[dict(type='WarmupScheduler', iter_=2000), dict(type='UntilLrDrop')])))))
