custom_imports = dict(imports=['head.method'], allow_failed_imports=False)
custom_hooks = [dict(type='NumClassCheckHook')]
checkpoint_config = dict(interval=1)
log_config = dict(interval=50, hooks=[dict(type='TextLoggerHook')])
dist_params = dict(backend='nccl')
log_level = 'INFO'
load_from = None
resume_from = None
workflow = [('train', 1)]
