"""The command line: a command, then key=value. Answers wrong requests without importing torch."""

import errno
import importlib
import os
import sys
from typing import Sequence

from .distributed.worker import is_worker
from .distributed.worker_report import report
from .errors import DONE, INTERRUPTED, Ended, EnvironmentFault, HeadError, RequestError
from .request import COMMANDS, Request, help_text, parse
from .support import signals
from .support.advice import image, writable
from .support.atomic_write import NO_SPACE
from .support.container import container_image
from .support.lasting_output import lasting_output
from .support.nameless_user import name_the_user
from .support.printed_text import LONGEST_LINE, printable
from .support.quick_imports import quick_imports
from .support.quiet import quietly
from .support.temporary_folder import require_temporary_folder

STACKS = 'auto', 'current', 'paper'


WRONG_NAME_ERRORS = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EACCES, errno.EPERM, errno.EEXIST, errno.ELOOP,
                     errno.ENAMETOOLONG, errno.EROFS, errno.EXDEV, errno.EINVAL, errno.ENXIO)
"""What the system says of a file where another name helps; all else is a fault of the machine."""


def check_stack(request: Request) -> None:
    """An image holds one stack.

    Raises:
        RequestError: there is no such stack, or another one is asked for in an image.
    """
    stack, own = request.value('stack'), os.environ.get('HEAD_STACK')
    if stack not in STACKS:
        raise RequestError(f'stack={stack}: no such stack; there is: {" ".join(STACKS)}')
    if container_image() and stack not in ('auto', own):
        device = str(container_image()).rpartition('-')[2]
        raise RequestError(f'stack={stack}: this is the image of the {own} stack; {image(stack, device)}')


def one_line(error: BaseException) -> str:
    """The error's message in one line; of an error that crossed from a worker process, its own last line."""
    lines = [line for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    if 'Traceback' in str(error):
        return lines[-1].split(': ', 1)[-1]
    return ' '.join(line.strip() for line in lines)


def _answer(arguments: Sequence[str]) -> int:
    if not arguments or arguments[0] in ('help', '--help', '-h'):
        print(help_text())
        return DONE
    if arguments[0] in COMMANDS and {'--help', '-h'} & set(arguments[1:]):
        print(help_text(arguments[0]))
        return DONE
    request = parse(arguments)
    check_stack(request)
    name_the_user()
    try:
        if 'config' in request.keys:
            from .catalog import find_config
            find_config(request.get('config'))  # before the seconds that torch takes
        with quietly(), quick_imports():
            command = importlib.import_module(COMMANDS[request.command].module)
    except ModuleNotFoundError as error:
        raise EnvironmentFault(f'{error.name} is not installed, which {request.command} needs: '
                               'pip install "head-distillation[commands]", and mmdet 2 with mmcv-full; or run '
                               f'scripts/{request.command} in a checkout') from error
    except OSError:
        require_temporary_folder()  # which matplotlib makes its cache in, and mmcv imports that
        raise
    signals.raise_in_commands()
    status = command.run(request)
    if status and is_worker():
        print_error(Ended('', status))
    return status


def main(arguments: Sequence[str]) -> int:
    """Run a command line; returns its exit status."""
    with lasting_output():
        return _status(arguments)


def _status(arguments: Sequence[str]) -> int:
    try:
        status = _answer(arguments)
        if sys.stdout:
            sys.stdout.flush()  # the interpreter's end has a status of its own for a reader that has gone
        return status
    except HeadError as error:
        return print_error(error)
    except OSError as error:
        if error.errno in NO_SPACE:
            where = '' if error.filename is None else f' ({error.filename})'
            return print_error(EnvironmentFault(f'no space left on the disk{where}: make room'))
        if error.filename is None:
            return print_error(EnvironmentFault(f'{error.strerror or error}: a file or device that failed; look at the '
                                                'disks that this command uses'))
        kind = RequestError if error.errno in WRONG_NAME_ERRORS else EnvironmentFault
        advice = f'; {writable(os.fsdecode(error.filename))}' if error.errno == errno.EROFS else ''
        return print_error(kind(f'{error.filename}: {error.strerror}{advice}'))
    except MemoryError:
        return print_error(EnvironmentFault('not enough memory: take a machine or a limit with more'))
    except KeyboardInterrupt:
        sys.unraisablehook = lambda _: None  # no tracebacks of half-made objects that fail to clean up
        signals.say_interrupted()
        return INTERRUPTED


def print_error(error: HeadError) -> int:
    """Say an error's one line; returns its status."""
    if is_worker():
        report(error, one_line(error) if str(error) else '')
    elif str(error):
        print(printable(f'head: {one_line(error)}{error.saved}', LONGEST_LINE), file=sys.stderr, flush=True)
    return error.status
