"""What a training's config asks for and this package would pass over: refused, unless it is done anyway."""

from typing import Any, Callable, Dict, Iterator, Mapping, Tuple

from mmcv import Config

from ..distributed import processes
from ..errors import RequestError
from .building import shown
from .config_values import SECTIONS

LOADERS = 'give data.samples_per_gpu and data.workers_per_gpu; evaluations take an image a batch'

INSTEAD: Dict[str, str] = {
    'load_from': 'begin from a checkpoint with resume=FILE',
    'resume_from': 'continue from a checkpoint with resume=FILE',
    'fp16': 'compute in half precision with amp=fp16',
    'auto_scale_lr': 'the learning rate follows the images of a step by itself',
    'workflow': 'every epoch is trained, and evaluated as evaluation.interval tells',
    'total_epochs': 'give runner.max_epochs',
    'train_cfg': 'give model.train_cfg',
    'test_cfg': 'give model.test_cfg',
    'deterministic': 'give deterministic=true on the command line',
    'cudnn_benchmark': 'give cudnn_benchmark=true on the command line',
    'data.imgs_per_gpu': 'give data.samples_per_gpu',
    'data.train_dataloader': LOADERS,
    'data.val_dataloader': LOADERS,
    'data.test_dataloader': LOADERS,
    'evaluation.metric': 'boxes are evaluated',
    'evaluation.start': 'evaluations come every evaluation.interval epochs',
    'evaluation.by_epoch': 'evaluations come every evaluation.interval epochs',
    'evaluation.save_best': 'the log names the best epoch, whose checkpoint stays unless keep= is given',
    'evaluation.classwise': 'verdict.json has the AP of each category',
    'checkpoint_config.max_keep_ckpts': 'give keep= on the command line',
    'checkpoint_config.out_dir': 'give work_dir= on the command line',
    'checkpoint_config.by_epoch': 'give save_iters= on the command line',
}
"""What does the same, or what is done, by the dotted key of what mmdet's tools would follow."""

TOP = [key for key in INSTEAD if '.' not in key]
"""Among everything else that a config may have beside its sections: variables, and what has no effect on numbers."""

ANY = object()

DONE_ANYWAY: Dict[str, Tuple[Any, ...]] = {
    'load_from': (False, ''),
    'resume_from': (False, ''),
    'fp16': (False, ),
    'train_cfg': ({}, ),
    'test_cfg': ({}, ),
    'deterministic': (False, ),
    'cudnn_benchmark': (False, ),
    'data.persistent_workers': (ANY, ),
    'data.pin_memory': (ANY, ),
    'evaluation.metric': ('bbox', ['bbox'], ('bbox', )),
    'evaluation.by_epoch': (True, ),
    'evaluation.save_best': (False, ),
    'evaluation.classwise': (False, ),
    'evaluation.proposal_nums': ([100, 300, 1000], (100, 300, 1000)),
    'evaluation.broadcast_bn_buffer': (True, ),
    'evaluation.gpu_collect': (ANY, ),
    'evaluation.tmpdir': (ANY, ),
    'checkpoint_config.type': ('CheckpointHook', ),
    'checkpoint_config.by_epoch': (True, ),
    'checkpoint_config.save_optimizer': (True, ),
    'checkpoint_config.save_last': (True, ),
    'checkpoint_config.create_symlink': (True, ),
    'checkpoint_config.sync_buffer': (False, ),
    'checkpoint_config.meta': (ANY, ),
}
"""Values that mean what is done in any case, by dotted key; None means it everywhere."""


def refuse_unread(cfg: Config, settings: Mapping[str, Any]) -> None:
    """Refuse a training whose config asks for what would be passed over.

    Args:
        cfg: in which `check_values` found nothing, with the overrides.
        settings: what the command line decides of these, by dotted key; a config may say the same.

    Raises:
        RequestError: names the key, and what does the same.
    """
    if cfg.get('find_unused_parameters') and processes.world_size() > 1:
        raise RequestError('find_unused_parameters=True: every parameter takes part in each step of several processes; '
                           'train in one process, or leave it out of the config where all do')
    for key, value in _unread(cfg):
        done = DONE_ANYWAY.get(key, ())
        if value is None or ANY in done or value in done or (key in settings and value == settings[key]):
            continue
        if key in ASKS_NOTHING and ASKS_NOTHING[key](value):
            continue
        if key == 'total_epochs' and value == cfg.runner.max_epochs:
            continue
        instead = f'{INSTEAD[key]}, {"or" if key in settings else "and"} ' if key in INSTEAD else ''
        raise RequestError(f'{shown(key)}={shown(value)}: not read here; {instead}leave it out of the config')


def _unread(cfg: Config) -> Iterator[Tuple[str, Any]]:
    """(dotted key, value) of what no part of this package reads, where mmdet's tools may."""
    for key in TOP:
        if key in cfg:
            yield key, cfg[key]
    for section, kind in SECTIONS.items():
        for key, value in cfg[section].items():
            if key not in kind.__struct_fields__:
                yield f'{section}.{key}', value
    for number, hook in enumerate(cfg.get('custom_hooks') or ()):
        if 'resume_from' in hook:  # mmcv's EMAHook would load it, unchecked
            yield f'custom_hooks.{number}.resume_from', hook['resume_from']
    for number, hook in enumerate(cfg.log_config.hooks):
        if hook['type'] == 'TensorboardLoggerHook' and 'log_dir' in hook:  # it writes to the work dir's tf_logs
            yield f'log_config.hooks.{number}.log_dir', hook['log_dir']


def _trains_alone(workflow: Any) -> bool:
    return isinstance(workflow, (list, tuple)) and all(
        isinstance(flow, (list, tuple)) and len(flow) == 2 and flow[0] == 'train' for flow in workflow)


def _is_off(section: Any) -> bool:
    return not section or (isinstance(section, dict) and section.get('enable') is False)


def _keeps_all(number: Any) -> bool:
    return isinstance(number, int) and number <= 0


def _keeps_workers(loader: Any) -> bool:
    """Whether a loader's section has nothing but what may be given beside it in `data` too."""
    return isinstance(loader, dict) and set(loader) <= {'persistent_workers'}


ASKS_NOTHING: Dict[str, Callable[[Any], bool]] = {
    'workflow': _trains_alone,
    'auto_scale_lr': _is_off,
    'data.train_dataloader': _keeps_workers,
    'data.val_dataloader': _keeps_workers,
    'data.test_dataloader': _keeps_workers,
    'checkpoint_config.max_keep_ckpts': _keeps_all,
}
"""Whether a value means what is done in any case, by dotted key, where there are many such values."""
