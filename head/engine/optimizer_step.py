"""The optimizer's step: gradients of one or more micro-batches, clipped as one."""

import math
from typing import Any, Dict, Optional

from mmcv.runner import OptimizerHook
from torch import Tensor

from ..errors import FELL_SHORT, HeadError, RequestError

WHAT_TO_DO = 'the training has diverged; look at the learning rate and the data, and begin again in another work_dir'


class Diverged(HeadError):
    """A loss or a gradient is no number any more; the weights before it are kept."""

    status = FELL_SHORT


class OptimizerStepHook(OptimizerHook):
    """mmcv's optimizer hook, for steps of several micro-batches and, for float16, with torch's gradient scaler.

    Without the scaler small float16 gradients vanish. A step whose gradients overflow is then left out and the scale
    halved; the scaler's state is kept in the checkpoint's meta, where mmcv's hook for float16 has it.

    Args:
        grad_clip: ``max_norm`` and ``norm_type``.
        scaler (GradScaler, optional): for float16.
    """

    def __init__(self, grad_clip: Optional[Dict[str, Any]] = None, scaler: Any = None) -> None:
        super().__init__(grad_clip)
        self.scaler = scaler

    def before_run(self, runner: Any) -> None:
        """Continue with the scale of a resumed run."""
        state = (runner.meta or {}).get('fp16', {}).get('loss_scaler')
        if self.scaler and state:
            self.scaler.load_state_dict(state)

    def backward(self, loss: Tensor) -> None:
        """Add a micro-batch's gradients."""
        (self.scaler.scale(loss) if self.scaler else loss).backward()

    def after_train_iter(self, runner: Any) -> None:
        """Clip and step.

        Raises:
            Diverged: their norm is no number.
        """
        if self.scaler:
            self.scaler.unscale_(runner.optimizer)
        if self.grad_clip is not None:
            norm = self.clip_grads(runner.model.parameters())
            if norm is not None:
                norm = float(norm)
                if not (self.scaler or math.isfinite(norm)):
                    raise Diverged(f'the norm of the gradients is {norm} at epoch {runner.epoch + 1}, iteration '
                                   f'{runner.inner_iter + 1}: {WHAT_TO_DO}')
                runner.log_buffer.update(dict(grad_norm=norm), runner.outputs['num_samples'])
        runner.begin_update()
        if self.scaler:
            self.scaler.step(runner.optimizer)
            self.scaler.update()
            runner.meta.setdefault('fp16', {})['loss_scaler'] = self.scaler.state_dict()
        else:
            runner.optimizer.step()


def check_optimizer_config(cfg: Dict[str, Any]) -> None:
    """`optimizer_config` of a config may clip gradients.

    Raises:
        RequestError: it asks for more, for instance for mmcv's accumulation.
    """
    others = ', '.join(sorted(set(cfg) - {'grad_clip'}))
    if others:
        raise RequestError(f'optimizer_config: {others} is not supported; it may have grad_clip. The key accumulate= '
                           'accumulates, amp=fp16 scales')
