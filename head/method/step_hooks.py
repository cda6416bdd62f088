"""Captures of intermediate features, open only during a distillation step.

todd's own hooks record whenever the module runs: an evaluation in the middle of a training would pile up its maps, and
the next step would mistake them for its own.
"""

from todd.hooks import HOOKS, MultiCallsHook, StandardHook


class _OpenDuringStep:
    """Mix-in of a todd hook: records only while `is_open`."""

    is_open = False

    def register_tensor(self, tensor):
        """Record `tensor` if a step is running."""
        if self.is_open:
            super().register_tensor(tensor)


@HOOKS.register_module()
class StepHook(_OpenDuringStep, StandardHook):
    """The module's latest output."""


@HOOKS.register_module()
class StepCallsHook(_OpenDuringStep, MultiCallsHook):
    """The module's outputs, one a call, in order."""
