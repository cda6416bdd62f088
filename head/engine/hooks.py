"""What a training's runner calls around each step, as the config asks for it."""

from typing import Any, Iterable

from mmcv.runner import IterTimerHook

from . import logs
from .building import building


def register_hooks(runner: Any, cfg: Any, optimizer_step: Any, overrides: Iterable[str] = ()) -> None:
    """Register learning rate, optimizer, logs and custom hooks, in mmcv's order.

    Args:
        runner (Runner): the runner.
        cfg (Config): of the training.
        optimizer_step (OptimizerStepHook): makes the step.
        overrides: dotted keys that were given by hand, for messages.

    Raises:
        RequestError: one of them cannot be built; names its key.
    """
    with building('lr_config', overrides):
        runner.register_lr_hook(cfg.lr_config)
    with building('momentum_config', overrides):
        runner.register_momentum_hook(cfg.get('momentum_config'))
    runner.register_optimizer_hook(optimizer_step)
    runner.register_timer_hook(IterTimerHook())
    with building('log_config', overrides):
        runner.register_logger_hooks(logs.continued(cfg.log_config))
    for number, hook in enumerate(cfg.get('custom_hooks') or []):
        with building(f'custom_hooks.{number}', overrides):
            runner.register_custom_hooks([hook])
