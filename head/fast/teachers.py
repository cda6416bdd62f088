"""The detectors that a built one holds."""

from typing import Any, Iterator


def with_teachers(detector: Any) -> Iterator[Any]:
    """A detector, and its teachers, which are none of its modules; built for inference it has none.

    Args:
        detector (BaseDetector): as built.
    """
    yield detector
    yield from getattr(getattr(detector, 'distiller', None), 'teachers', [])


def all_modules(detector: Any) -> Iterator[Any]:
    """The modules of a detector and of its teachers."""
    for one in with_teachers(detector):
        yield from one.modules()
