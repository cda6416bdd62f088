"""The command line: a command, then key=value. Answers wrong requests without importing torch."""

import ast
import difflib
import importlib
import os
import signal
import sys
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

from .distributed.worker_report import is_worker, report
from .errors import DONE, INTERRUPTED, Ended, EnvironmentFault, HeadError, RequestError
from .support.atomic_write import NO_SPACE
from .support.container import image
from .support.quick_imports import quick_imports
from .support.quiet import quietly
from .support.sigterm import terminate

KEYS = dict(
    config='alias of the results table (head_r18, …) or path of a config file',
    checkpoint='the weights (eval: default the released ones, which are fetched)',
    data='COCO folder: annotations/, train2017/, val2017/ (default data/coco)',
    work_dir='where results go (default work_dirs/CONFIG)',
    pretrained='folder of the backbones\' and teachers\' weights (default pretrained), or none: random ones',
    device='cuda or cpu (default: a GPU if there is one)',
    gpus='number of GPUs of this machine (default 1 if there is one)',
    procs='number of processes with device=cpu (default 1)',
    nnodes='number of machines that work together (default 1)',
    node_rank='which of them this is, from 0; the first writes the results',
    rdzv='HOST:PORT where they meet, HOST being the first of them',
    accumulate='micro-batches a step and process, or auto: as many as make the published 16 images (default 1)',
    seed='of everything random (default 3407)',
    deterministic='true or false: the same operations give the same bits (default true on the CPU)',
    cudnn_benchmark='true: cuDNN tries its algorithms for each size of images and takes the fastest (default false)',
    epochs='train that many epochs instead of the config\'s',
    iters='stop the training after that many iterations, those before resume= included',
    amp='bf16 or fp16: mixed precision, on the current stack only (default: none, as in the paper)',
    resume='auto: go on from the newest checkpoint in work_dir; or a checkpoint, from either stack (default auto)',
    save_iters='a checkpoint every so many iterations too',
    save_minutes='a checkpoint after so many minutes too',
    keep='the newest so many checkpoints stay (default: all of epochs, two of others)',
    stack='paper, current, or auto: the first of them that drives the GPU (default auto; in an image, its own)',
    json='write what is printed to this file too',
    check_teacher='before training, evaluate the teacher on that many images of val2017',
    images='number of images of the subset (default 64)',
    out='where the result goes',
    onnx='write the student as ONNX to this file too',
)
NUMBERS = {'gpus', 'procs', 'nnodes', 'node_rank', 'seed', 'epochs', 'iters', 'save_iters', 'save_minutes', 'keep',
           'check_teacher', 'images'}
FROM_ZERO = {'seed', 'node_rank'}
FLAGS = {'deterministic', 'cudnn_benchmark'}
PROCESSES = ('device', 'gpus', 'procs', 'nnodes', 'node_rank', 'rdzv')


@dataclass(frozen=True)
class Command:
    """A command: the module whose `run(request)` does it, its keys, and one line for the help.

    `words` names the words that it takes beside its keys; without it there are none.
    """

    module: str
    keys: Tuple[str, ...]
    summary: str
    overrides: bool = False
    words: str = ''


COMMANDS = dict(
    train=Command(
        'head.commands.train',
        ('config', 'data', 'work_dir', 'pretrained', *PROCESSES, 'accumulate', 'seed', 'deterministic',
         'cudnn_benchmark', 'epochs', 'iters', 'check_teacher', 'amp', 'resume', 'save_iters', 'save_minutes',
         'keep', 'stack'),
        'train one row of the results table', True),
    eval=Command(
        'head.commands.eval', ('config', 'checkpoint', 'data', 'work_dir', *PROCESSES, 'amp', 'stack'),
        'evaluate a checkpoint, or all that are released, and compare with what is reported', True),
    smoke=Command(
        'head.commands.smoke', ('data', 'work_dir', 'stack'), 'show in minutes that all of it works, without a GPU'),
    mini=Command(
        'head.commands.mini', ('work_dir', 'stack'), 'train the paper\'s comparison in miniature, without a GPU'),
    fetch=Command(
        'head.commands.fetch', ('config', 'data', 'pretrained', 'images', 'out', 'stack'),
        'fetch COCO, weights and the released checkpoints', words='coco | pretrained | checkpoint | tiny | all | lock'),
    verify=Command(
        'head.commands.verify', ('config', 'data', 'work_dir', 'stack'),
        'check results made earlier, here or by mmdet', words='FILE|WORK_DIR …'),
    report=Command(
        'head.commands.report', ('data', 'out', 'stack'), 'one HTML file of what came out', words='[WORK_DIR …]'),
    export=Command(
        'head.commands.export', ('config', 'checkpoint', 'out', 'onnx', 'stack'),
        'the student as a plain mmdet RetinaNet'),
    bench=Command(
        'head.commands.bench', ('config', 'data', 'device', 'amp', 'stack', 'json'),
        'measure speed and memory beside stock mmdet, on generated inputs',
        words='[step] [limit] [inference] [evaluator] [training_set] [pipeline] [iterations]'),
    catalog=Command('head.commands.catalog', ('json', 'stack'), 'list what can be reproduced'),
    doctor=Command('head.commands.doctor', ('data', 'pretrained', 'stack', 'json'), 'print what this machine has'),
)


@dataclass
class Request:
    """What was asked for.

    `keys` by name (numbers as int, flags as bool), `overrides` of the config by dotted key, other `words`; `arguments`
    is all of it as it was typed.
    """

    command: str
    keys: Dict[str, Any] = field(default_factory=dict)
    overrides: Dict[str, Any] = field(default_factory=dict)
    words: List[str] = field(default_factory=list)
    arguments: Tuple[str, ...] = ()

    def get(self, key: str, default: Any = None) -> Any:
        """The key's value, or `default` where it was not given."""
        return self.keys.get(key, default)

    def require(self, key: str) -> Any:
        """The key's value; RequestError where it was not given."""
        if key not in self.keys:
            raise RequestError(f'{self.command} needs {key}=: {KEYS[key]}')
        return self.keys[key]


def help_text(name: Optional[str] = None) -> str:
    """The help of one command, or of all."""
    if name is None:
        lines = ['usage: COMMAND key=value …', '']
        lines += [f'  {name:9}{command.summary}' for name, command in COMMANDS.items()]
        return '\n'.join(lines + ['', 'COMMAND --help prints its keys.'])
    command = COMMANDS[name]
    lines = [f'{name}: {command.summary}', '']
    if command.words:
        lines += [f'usage: {name} {command.words} [key=value …]', '']
    lines += [f'  {key + "=":15}{KEYS[key]}' for key in command.keys]
    if command.overrides:
        lines += ['', '  A dotted key overrides the config: optimizer.lr=0.005']
    return '\n'.join(lines)


def literal(text: str) -> Any:
    """A Python literal if `text` is one, else the text itself."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return {'true': True, 'false': False, 'none': None}.get(text.lower(), text)


def parse(arguments: Sequence[str]) -> Request:
    """A request from the words after the program's name.

    Raises:
        RequestError: an unknown command or key, a word that is no key=value, a number or flag that is none.
    """
    name, *words = arguments
    if name not in COMMANDS:
        near = difflib.get_close_matches(name, COMMANDS, n=1, cutoff=0.4)
        raise RequestError(f'{name}: no such command; ' +
                           (f'did you mean {near[0]}?' if near else f'there are {", ".join(COMMANDS)}'))
    command, request = COMMANDS[name], Request(name, arguments=tuple(arguments))
    for word in words:
        key, equals, text = word.partition('=')
        if command.words and (not equals or '/' in key or os.path.exists(word)):
            request.words.append(word)
            continue
        if not equals or not key:
            raise RequestError(f'{word}: not key=value; {name} --help lists the keys')
        if key in command.keys:
            value: Union[str, int] = text
            if key in NUMBERS:
                if not text.isdigit() or (int(text) == 0 and key not in FROM_ZERO):
                    raise RequestError(f'{word}: {key} is a positive whole number')
                value = int(text)
                if value >= 2**32:
                    raise RequestError(f'{word}: {key} is below 2^32')
            elif key in FLAGS:
                if text not in ('true', 'false'):
                    raise RequestError(f'{word}: true or false')
                value = text == 'true'
            elif not text:
                raise RequestError(f'{word}: {key} has no value')
            request.keys[key] = value
        elif command.overrides and '.' in key:
            request.overrides[key] = literal(text)
        else:
            nearest = difflib.get_close_matches(key, command.keys, n=3, cutoff=0.5) or command.keys
            raise RequestError(f'{key}=: {name} has no such key; nearest: {", ".join(nearest)}')
    return request


def check_stack(request: Request) -> None:
    """An image holds one stack.

    Raises:
        RequestError: another one is asked for in it.
    """
    stack, own = request.get('stack', 'auto'), os.environ.get('HEAD_STACK')
    if image() and stack not in ('auto', own):
        raise RequestError(f'stack={stack}: this is the image of the {own} stack; take the other one: STACK={stack} in '
                           f'.env, or scripts/image stack={stack}')


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
    signal.signal(signal.SIGTERM, terminate)
    with quietly(), quick_imports():
        command = importlib.import_module(COMMANDS[request.command].module)
    status = command.run(request)
    if status and is_worker():
        told(Ended('', status))
    return status


def main(arguments: Sequence[str]) -> int:
    """Run a command line; returns its exit status."""
    status = DONE
    try:
        status = _answer(arguments)
        sys.stdout.flush()  # the interpreter's end has a status of its own for a reader that has gone
        return status
    except BrokenPipeError:  # whoever read our output has gone, like head(1)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return status
    except HeadError as error:
        return told(error)
    except OSError as error:
        if error.errno in NO_SPACE:
            return told(EnvironmentFault(f'no space left on the disk ({error.filename or "work_dir"}): make room'))
        if error.filename is None:
            raise
        return told(RequestError(f'{error.filename}: {error.strerror}'))
    except KeyboardInterrupt:
        sys.unraisablehook = lambda _: None  # no tracebacks of half-made objects that fail to clean up
        if not is_worker():
            print('head: interrupted', file=sys.stderr)
        return INTERRUPTED
    finally:
        if is_worker():
            signal.signal(signal.SIGTERM, signal.SIG_IGN)  # when one ends its launcher ends all: let this one finish


def told(error: HeadError) -> int:
    """Say an error's one line; returns its status."""
    if is_worker():
        report(error, one_line(error) if str(error) else '')
    elif str(error):
        print(f'head: {one_line(error)}{error.saved}', file=sys.stderr)
    return error.status
