"""Requests that are planned in this process, as `train` and `eval` plan them; nothing is trained."""

from head.commands import eval as evaluation
from head.commands import train
from head.distributed.layout import Layout
from head.errors import HeadError
from head.request import parse


def plan(words):
    """The plan of a command line of `train` or `eval`, on the CPU."""
    request = parse([*words, 'device=cpu'])
    if request.command == 'train':
        return train.plan_together(request, Layout(device='cpu'), 'cpu', [])
    return evaluation.make_plan(request, Layout(device='cpu'), 'cpu')


def refusal(words):
    """(status, one line) of a command line that is refused; (0, '') of one that is not."""
    try:
        plan(words)
    except HeadError as error:
        return error.status, str(error)
    return 0, ''
