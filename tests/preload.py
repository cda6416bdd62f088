"""What commands import; `head_process` forks from a process that has it."""

from head.support.quick_imports import quick_imports
from head.support.quiet import quietly

with quietly(), quick_imports():
    import head.engine.evaluate
    import head.engine.export
    import head.engine.train
    import head.smoke.command  # noqa: F401
