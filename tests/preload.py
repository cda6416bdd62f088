"""What commands import; `head_process` forks from a process that has it."""

from unittest import mock

import torch

from head.support.quick_imports import quick_imports
from head.support.quiet import quietly

# torch 1.9 begins with the GPU where a library asks for one, and no fork could use it then
with quietly(), quick_imports(), mock.patch.object(torch.cuda, 'is_available', return_value=False):
    import head.commands.detect
    import head.commands.eval
    import head.commands.export
    import head.commands.smoke
    import head.commands.train  # noqa: F401
