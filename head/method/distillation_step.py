"""What the distillers have in common: captures that are open during one training step."""

import contextlib
from typing import Any, Callable, Dict, Iterable, Iterator

from todd.base import inc_iter


class DistillationStep:
    """Mix-in of a todd distiller."""

    # todd's
    reset: Callable[[], None]
    hooks: Callable[[], Iterable[Any]]
    track_tensors: Callable[[], None]
    distill: Callable[[], Dict[str, Any]]

    @contextlib.contextmanager
    def step(self) -> Iterator[None]:
        """One training step: captures are open inside and forgotten after, whatever happens.

        todd's iteration counter advances by one when the step succeeds.
        """
        self._open_hooks(True)
        try:
            yield
            inc_iter()
        finally:
            self._open_hooks(False)

    def _open_hooks(self, is_open: bool) -> None:
        self.reset()
        for hook in self.hooks():
            hook.is_open = is_open

    def distillation_losses(self) -> Dict[str, Any]:
        """The losses of what was captured: name -> scalar, or list of scalars, as mmdet wants them."""
        self.track_tensors()
        return {k: list(v) if isinstance(v, tuple) else v for k, v in self.distill().items()}
