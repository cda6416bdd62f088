"""Captures of intermediate features, open only during a distillation step.

todd's own hooks record whenever the module runs: an evaluation in the middle of a training would pile up its maps, and
the next step would mistake them for its own.
"""

from typing import TYPE_CHECKING

from todd.hooks import HOOKS, MultiCallsHook, StandardHook

if TYPE_CHECKING:
    from torch import Tensor

    class _Hook:
        """What todd's hooks have."""

        def register_tensor(self, tensor: Tensor) -> None: ...
else:
    _Hook = object


class _OpenDuringStep(_Hook):
    """Mix-in of a todd hook: records only while `is_open`."""

    is_open = False

    def register_tensor(self, tensor: 'Tensor') -> None:
        """Record `tensor` if a step is running."""
        if self.is_open:
            super().register_tensor(tensor)


@HOOKS.register_module()
class StepHook(_OpenDuringStep, StandardHook):
    """The module's latest output."""


@HOOKS.register_module()
class StepCallsHook(_OpenDuringStep, MultiCallsHook):
    """The module's outputs, one a call, in order."""
