"""What commands import; `head_process` forks from a process that has it."""

from head.support.quick_imports import quick_imports
from head.support.quiet import quietly

with quietly(), quick_imports():
    import head.commands.eval
    import head.commands.export
    import head.commands.smoke
    import head.commands.train  # noqa: F401
