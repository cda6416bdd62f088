"""The commands, their keys, and a request that is asked of one of them. Light: no torch."""

import ast
import difflib
import os
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

from .errors import RequestError
from .keys import KEYS
from .support.advice import call
from .support.file_names import LONGEST_NAME, LONGEST_PATH, is_possible_path
from .support.printed_text import printable
from .support.whole_number import whole_number

PROCESSES = ('device', 'gpus', 'procs', 'nnodes', 'node_rank', 'rdzv')


@dataclass(frozen=True)
class Command:
    """A command: the module whose `run(request)` does it, its keys, and one line for the help.

    `words` names the words that it takes beside its keys; without it there are none. `words_are_paths`: of files or
    folders. `optional` are keys whose usual default does not hold for it: without them it takes something else, or
    nothing.
    """

    module: str
    keys: Tuple[str, ...]
    summary: str
    overrides: bool = False
    words: str = ''
    words_are_paths: bool = False
    optional: Tuple[str, ...] = ()


COMMANDS = dict(
    train=Command(
        'head.commands.train',
        ('config', 'data', 'work_dir', 'pretrained', *PROCESSES, 'accumulate', 'seed', 'deterministic',
         'cudnn_benchmark', 'tf32', 'fast', 'epochs', 'iters', 'amp', 'resume', 'save_iters', 'save_minutes',
         'keep', 'stack'),
        'train one row of the results table', True),
    eval=Command(
        'head.commands.eval',
        ('config', 'checkpoint', 'data', 'work_dir', 'pretrained', *PROCESSES, 'amp', 'tf32', 'fast', 'stack'),
        'evaluate a checkpoint, or all that are released, and compare with what is reported', True),
    smoke=Command(
        'head.commands.smoke', ('data', 'work_dir', 'device', 'fast', 'stack'),
        'show in minutes that all of it works, without a GPU unless device=cuda', optional=('data', )),
    mini=Command(
        'head.commands.mini', ('work_dir', 'stack'), 'train the paper\'s comparison in miniature, without a GPU'),
    fetch=Command(
        'head.commands.fetch', ('config', 'data', 'pretrained', 'images', 'out', 'stack'),
        'fetch COCO, weights and the released checkpoints', words='coco | pretrained | checkpoint | tiny | all | lock'),
    verify=Command(
        'head.commands.verify', ('config', 'data', 'work_dir', 'stack'),
        'check results made earlier, here or by mmdet', words='FILE|WORK_DIR|results …', words_are_paths=True,
        optional=('data', )),
    report=Command(
        'head.commands.report', ('data', 'out', 'stack'), 'one HTML file of what came out', words='[WORK_DIR …]',
        words_are_paths=True, optional=('data', )),
    submit=Command(
        'head.commands.submit', ('out', 'stack'), 'put what can be checked of runs into the ledger, to be sent in',
        words='WORK_DIR …', words_are_paths=True),
    export=Command(
        'head.commands.export', ('config', 'checkpoint', 'out', 'onnx', 'stack'),
        'the student as a plain mmdet RetinaNet'),
    detect=Command(
        'head.commands.detect', ('config', 'checkpoint', 'out', 'pretrained', 'device', 'fast', 'stack'),
        'find the objects on images of yours: drawn on them, and as COCO json', words='IMAGE|FOLDER …',
        words_are_paths=True),
    bench=Command(
        'head.commands.bench', ('config', 'data', 'device', 'amp', 'stack', 'json'),
        'measure speed and memory beside stock mmdet, on generated inputs',
        words='[step] [limit] [inference] [evaluator] [training_set] [pipeline] [iterations]', optional=('data', )),
    catalog=Command('head.commands.catalog', ('json', 'stack'), 'list what can be reproduced'),
    doctor=Command('head.commands.doctor', ('data', 'pretrained', 'stack', 'json'), 'print what this machine has'),
)


IN_A_CHECKOUT = 'dotenv', 'image', 'lock', 'lock-released', 'pin-bases', 'run', 'test'
"""Scripts that are no commands."""

OWN_WORDS = {*COMMANDS, *IN_A_CHECKOUT}
"""What the image's entrypoint takes for ours, though a program may have the name: /usr/bin/test."""


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

    def get(self, key: str) -> Any:
        """The key's value, or None where it was not given."""
        return self.keys.get(key)

    def value(self, key: str) -> Any:
        """The key's value, or its default where it was not given."""
        return self.keys.get(key, KEYS[key].default)

    def require(self, key: str) -> Any:
        """The key's value; RequestError where it was not given."""
        if key not in self.keys:
            example = f'; for instance {call(self.command, "config=head_r18")}' if key == 'config' else ''
            raise RequestError(f'{self.command} needs {key}=: {KEYS[key].meaning}{example}')
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
    lines += [f'  {key + "=":15}{_explained(key, key in command.optional)}' for key in command.keys]
    if command.overrides:
        lines += ['', '  A dotted key overrides the config: optimizer.lr=0.005']
    return '\n'.join(lines)


def _explained(name: str, optional: bool) -> str:
    """A key's meaning, with its default; `optional`: it has none."""
    key = KEYS[name]
    if key.default is None or optional:
        return key.meaning
    return f'{key.meaning} (default {str(key.default).lower() if key.kind is bool else key.default})'


MOST_SIGNS = 80
"""Brackets and signs of a literal; Python's parser complains on stderr of more that are nested."""


def literal(text: str) -> Any:
    """A Python literal if `text` is one, else the text itself."""
    if sum(map(text.count, '([{+-~')) > MOST_SIGNS:
        return text
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return {'true': True, 'false': False, 'none': None}.get(text.lower(), text)


def _no_path(word: str) -> RequestError:
    return RequestError(f'{printable(word)}: cannot be a path; a file\'s or folder\'s name has at most {LONGEST_NAME} '
                        f'bytes, all of them together {LONGEST_PATH}')


def _value(word: str, name: str, text: str) -> Union[str, int, bool]:
    """The value that the word `word` gives the key `name`; RequestError where it is none of its kind."""
    key = KEYS[name]
    if key.kind is int:
        number = whole_number(text)
        if number is None or number < key.minimum:
            raise RequestError(f'{word}: {name} must be a {"positive " * key.minimum}whole number, in the digits 0-9')
        if number >= 2**32:
            raise RequestError(f'{word}: {name} must be below 2^32')
        return number
    if key.kind is bool:
        if text not in ('true', 'false'):
            raise RequestError(f'{word}: must be true or false')
        return text == 'true'
    if not text:
        raise RequestError(f'{word}: {name} has no value')
    if key.path and not is_possible_path(text):
        raise _no_path(word)
    return text


def parse(arguments: Sequence[str]) -> Request:
    """A request from the words after the program's name.

    Raises:
        RequestError: an unknown command or key, a word that is no key=value, a number or flag that is none.
    """
    name, *words = arguments
    if name not in COMMANDS:
        near = difflib.get_close_matches(name, COMMANDS, n=1, cutoff=0.4)
        if name in IN_A_CHECKOUT:
            image = ', or docker compose run --rm test, which has an image of its own' if name == 'test' else ''
            raise RequestError(f'{name}: no command, but a script of a checkout: scripts/{name}{image}')
        raise RequestError(f'{name}: no such command; ' +
                           (f'did you mean {near[0]}?' if near else f'there are {", ".join(COMMANDS)}'))
    command, request = COMMANDS[name], Request(name, arguments=tuple(arguments))
    for word in words:
        key, equals, text = word.partition('=')
        if command.words and (not equals or '/' in key or os.path.exists(word)):
            if command.words_are_paths and not is_possible_path(word):
                raise _no_path(word)
            request.words.append(word)
            continue
        if not equals or not key:
            raise RequestError(f'{word}: not key=value; {name} --help lists the keys')
        if key in command.keys:
            request.keys[key] = _value(word, key, text)
        elif command.overrides and '.' in key:
            request.overrides[key] = literal(text)
        else:
            nearest = difflib.get_close_matches(key, command.keys, n=3, cutoff=0.5) or command.keys
            raise RequestError(f'{key}=: {name} has no such key; nearest: {", ".join(nearest)}')
    return request
