"""What the distillers have in common: captures that are open during one training step."""

import contextlib

from todd.base import inc_iter


class DistillationStep:
    """Mix-in of a todd distiller."""

    @contextlib.contextmanager
    def step(self):
        """One training step: captures are open inside and forgotten after, whatever happens.

        todd's iteration counter advances by one when the step succeeds.
        """
        self._open_hooks(True)
        try:
            yield
            inc_iter()
        finally:
            self._open_hooks(False)

    def _open_hooks(self, is_open):
        self.reset()
        for hook in self.hooks():
            hook.is_open = is_open

    def distillation_losses(self):
        """The losses of what was captured: name -> scalar, or list of scalars, as mmdet wants them."""
        self.track_tensors()
        return {k: list(v) if isinstance(v, tuple) else v for k, v in self.distill().items()}
