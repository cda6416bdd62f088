"""mmcv's runner, whose iterations are optimizer steps and whose place in the training can be saved and taken up."""

import math
import time
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Tuple

from mmcv.runner import EpochBasedRunner
from mmcv.utils import _BatchNorm
from torch import Tensor, nn

from ..distributed import processes
from ..errors import HeadError
from ..support.signals import deferred
from .building import as_config_error
from .known_failures import SMALLER_STEPS, as_head_error
from .optimizer_step import WHAT_TO_DO, Diverged, OptimizerStepHook
from .randomness import IN_STEP, seed_all, seed_of

if TYPE_CHECKING:
    from ..checkpoints.saver import Saver
    from .interruption import Interruption
    from .loaders import StepLoader


class IterationLimit(Exception):
    """`iters=` is reached."""


class Runner(EpochBasedRunner):
    """Trains steps of one or more micro-batches.

    What mmcv counts as iterations (learning rate, its warm-up, logs, checkpoints, the distillation's warm-up) are
    optimizer steps here. Whatever ends a training, its last whole step is saved.

    Args:
        seed: of everything random.
        interruption: tells when the training is to stop.
        iters: end after so many steps.
        **kwargs: mmcv's.

    Attributes:
        place: (epoch, steps done in it), both from 0; an epoch all of whose steps are done is not yet evaluated.
        saver: saves checkpoints; set before `run`.
    """

    saver: 'Saver'

    def __init__(self, *args: Any, seed: int, interruption: 'Interruption', iters: Optional[int] = None,
                 **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.seed, self.interruption, self.iters = seed, interruption, iters or math.inf
        self.history: Dict[str, List[list]] = {}
        self.start = time.monotonic()
        self._steps_done, self._step_is_whole = 0, True
        self._bn_backup: Optional[List[Tuple[Tensor, Tensor]]] = None

    @property
    def place(self) -> Tuple[int, int]:
        return self.epoch, self._steps_done

    @property
    def seconds(self) -> float:
        """How long the training has taken, from its beginning, interruptions left out."""
        return self.meta.get('seconds', 0) + time.monotonic() - self.start

    def restore(self, epoch: int, steps_done: int, iteration: int, history: Dict[str, List[list]]) -> None:
        """Continue from a place.

        Args:
            epoch, steps_done: see `place`.
            iteration: steps done in all.
            history: what the log's next averages need, see `log_history`.
        """
        self._epoch, self._steps_done, self._iter, self.history = epoch, steps_done, iteration, history

    def log_history(self, count: int) -> Dict[str, List[list]]:
        """The last `count` values of everything that is logged: name -> (values, images of each)."""
        buffer = self.log_buffer
        return {name: [list(map(float, values[-count:])), list(map(int, buffer.n_history[name][-count:]))]
                for name, values in buffer.val_history.items()}

    def run(self, loader: 'StepLoader') -> None:
        """Train to the end.

        Args:
            loader: of the training set.

        Raises:
            IterationLimit: the limit is reached; the step is saved.
            HeadError: what ended it, with the checkpoint to continue from; the same on all processes.
        """
        first = self.iter
        with self.interruption.listening():
            try:
                super().run([loader], [('train', 1)])
            except KeyboardInterrupt:  # in an evaluation, or at once: the last whole step is kept all the same
                with deferred():  # one that is pressed again waits
                    self._save_last()
                raise
            except Exception as error:
                self.interruption.waits = True  # for the checkpoint
                known = as_head_error(error, SMALLER_STEPS)
                if self.iter == first and not isinstance(error, (IterationLimit, OSError)):
                    known = as_config_error(known, 'model', 'the first step fails')
                # where all end together, they wait for the one that saves: none is to be taken for a straggler
                path = processes.on_first(self._save_last) if getattr(known, 'agreed', False) else self._save_last()
                if not isinstance(known, HeadError):
                    raise
                if path:
                    known.saved = f'; {path} holds the {self.iter} iterations done'
                raise known from error

    def train(self, loader: 'StepLoader') -> None:
        """One epoch, or what is left of it."""
        self.model.train()
        self.mode, self.data_loader = 'train', loader
        rates = [group['lr'] for group in self.optimizer.param_groups]
        self.call_hook('before_train_epoch')
        if self._steps_done == len(loader):  # the evaluation alone is left, which is logged with the last step's rate
            for group, rate in zip(self.optimizer.param_groups, rates):
                group['lr'] = rate
        for name, (values, counts) in self.history.items():
            self.log_buffer.val_history[name], self.log_buffer.n_history[name] = values, counts
        self.history = {}
        steps = loader.steps(self.epoch, self._steps_done)
        self._inner_iter = len(loader) - 1  # what an epoch without steps left is logged with
        self.interruption.waits = True
        for step in range(self._steps_done, len(loader)):
            self._inner_iter = step
            if self.iter >= self.iters:
                raise IterationLimit
            batches = self._next(steps)
            self.call_hook('before_train_iter')
            self.run_iter(batches)
            self.call_hook('after_train_iter')
            self._iter, self._steps_done, self._step_is_whole = self.iter + 1, step + 1, True
            self.saver.after_step(self)
        steps.close()  # ends the data loader's workers, which the evaluation's follow
        self.saver.after_epoch(self)
        self.interruption.end_of_steps(self.iter)
        self.call_hook('after_train_epoch')
        self._epoch, self._steps_done = self.epoch + 1, 0

    def _next(self, steps):
        """The next step's batches; ends all processes together where one is told to stop, or cannot load its own."""
        batches = error = None
        try:
            batches = next(steps)
        except (HeadError, RuntimeError, MemoryError, OSError) as caught:
            known = as_head_error(caught, SMALLER_STEPS)
            if not isinstance(known, HeadError):
                raise
            error = known
        processes.raise_on_all(error or self.interruption.request(self.iter))
        return batches

    def run_iter(self, batches: List[Dict[str, Any]]) -> None:
        """Gradients of a step's micro-batches; the optimizer's hook does the rest.

        Args:
            batches: mmdet's batches.

        Raises:
            Diverged: a loss is no number.
        """
        hook = next(hook for hook in self.hooks if isinstance(hook, OptimizerStepHook))
        self._bn_backup = running_statistics(self.model)
        self.optimizer.zero_grad()
        totals: Dict[str, float] = {}
        images = 0
        for part, batch in enumerate(batches):
            number = self.data_loader.order.number(self._inner_iter, part)
            seed_all(seed_of(self.seed, IN_STEP, self.epoch, number))
            for one in self.hooks:
                if hasattr(one, 'before_micro_batch'):
                    one.before_micro_batch(self)
            # of several micro-batches only the last one's backward sums over the processes
            self.model.require_backward_grad_sync = part == len(batches) - 1
            with processes.lost_peers_as_errors():
                self.outputs = self.model.train_step(batch, self.optimizer)
                self._check(self.outputs['log_vars'])
                hook.backward(self.outputs['loss'] / len(batches))
            self.outputs['loss'] = self.outputs['loss'].detach()  # its graph holds what the next one needs room for
            for name, value in self.outputs['log_vars'].items():
                totals[name] = totals.get(name, 0) + value / len(batches)
            images += self.outputs['num_samples']
        self.log_buffer.update(totals, images)

    def _check(self, losses):
        bad = [name for name, value in losses.items() if not math.isfinite(value)]
        if bad:
            raise Diverged(f'{", ".join(f"{name} is {losses[name]}" for name in bad)} at epoch {self.epoch + 1}, '
                           f'iteration {self.inner_iter + 1}: {WHAT_TO_DO}')

    def begin_update(self) -> None:
        """From here to the end of the step the weights are no step's."""
        self._bn_backup, self._step_is_whole = None, False

    def _save_last(self):
        """Save the last whole step, where it is not saved; returns its checkpoint's path, or None."""
        if not (processes.is_first() and self._step_is_whole and self.iter):
            return None
        if self._bn_backup:
            for buffer, value in self._bn_backup:
                buffer.copy_(value)
        if self.saver.saved_at != self.place:
            self.saver.save_step(self)
        return self.saver.path


def running_statistics(model: nn.Module) -> List[Tuple[Tensor, Tensor]]:
    """(buffer, copy of it) of every BN that trains: a forward pass changes them, even of a step that fails."""
    training = [module for module in model.modules() if isinstance(module, _BatchNorm) and module.training]
    return [(buffer, buffer.clone()) for module in training for buffer in module.buffers()]
