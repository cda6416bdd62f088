"""Distillation without a teacher: the student imitates its own assistants."""

from typing import Any, Dict, Optional

from todd.distillers import DISTILLERS, SelfDistiller

from .distillation_step import DistillationStep


@DISTILLERS.register_module()
class AssistantDistiller(DistillationStep, SelfDistiller):
    """todd's self-distiller, whose captures are open during a step only.

    A student that is built for inference (`train_cfg` is None) captures nothing, but keeps its adapters, so that the
    names of a checkpoint stay.
    """

    def __init__(self, student: Any, student_hooks: Optional[Dict[str, Any]] = None, **kwargs: Any) -> None:
        super().__init__(student, student_hooks if student.train_cfg is not None else None, **kwargs)
