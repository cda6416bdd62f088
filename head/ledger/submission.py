"""One submission: what can be checked of a run without its weights, as files of one folder.

`verdict.json` and the logs are the run's own, without private text; `submission.json` says what they were. A file is
what these functions make of it, to the byte: made again of itself it is the same.
"""

import hashlib
import json
import os
import re
from typing import Any, Dict, List, Optional, Tuple

import msgspec
from msgspec import NODEFAULT, Struct
from msgspec.structs import fields

from .. import __version__, catalog
from ..errors import RequestError
from ..results.json_reading import parse_json, read_bytes
from ..results.run import Run, read_run
from ..results.training_log import DATED, META
from ..results.verdict_file import VERDICT, AnyVerdict, Verdict, VerifyVerdict
from ..support.file_hash import file_hash
from ..support.printed_text import printable
from .private_text import last_part, without_private_text

SUBMISSION = 'submission.json'

Files = Dict[str, bytes]
"""Content by name."""

PATHS = 'config', 'ann_file', 'path'
"""Fields of a verdict."""

STACK = re.compile('[a-z]{1,20}')

PATH_OF_LINE = re.compile(r'(?m)^([\w ]{1,40}: )/.*/(.*)$')
"""Of mmcv's description of a machine, as in ``CUDA_HOME: /opt/cuda``; there may be spaces in it."""

MOST_BYTES = 2**21
"""Of a file."""

MOST_ROWS = 6000
"""Of training that are kept of a log, evenly; 12 epochs of COCO as published log 1760."""


class Submission(Struct, forbid_unknown_fields=True, kw_only=True):
    """``submission.json``.

    Attributes:
        made_by: the version that wrote it.
        files: sha256 of each other file, by name.
        detections: sha256 of the detections that the numbers were computed from, which stay with who made them.
    """

    made_by: str
    files: Dict[str, str]
    detections: Optional[str] = None


def place_of(verdict: Verdict, content: bytes) -> str:
    """Where in the ledger a submission lies: its row or command, and under it a name by stack and content.

    Args:
        verdict: of the run.
        content: of its `verdict.json`, as it is sent in.

    Raises:
        RequestError: its row or stack is none that there is.
    """
    alias, stack = getattr(verdict, 'alias', None), verdict.stack or 'unknown'
    if alias is not None and alias not in catalog.models():
        raise RequestError(f'{VERDICT}: of {printable(alias, 40)}, which is no row of the results table')
    if not STACK.fullmatch(stack):
        raise RequestError(f'{VERDICT}: of the stack {printable(stack, 40)}, which there is not')
    return os.path.join(alias or verdict.command, f'{stack}-{hashlib.sha256(content).hexdigest()[:12]}')


def verdict_text(verdict: Verdict) -> bytes:
    """The content of `verdict.json` as it is sent in."""
    return _json(without_private_text(_told(verdict)))


def _told(value: Any, name: str = '') -> Any:
    """A verdict as json: what has another value than its default, since later versions have more fields.

    Fields that are paths, and words of the command line that end with one, lose their folders, spaces or not.
    """
    if isinstance(value, Struct):
        tag = {'command': value.command} if isinstance(value, AnyVerdict) else {}
        return {**tag, **{field.encode_name: _told(getattr(value, field.name), field.name) for field in fields(value)
                          if not _is_default(field, getattr(value, field.name))}}
    if isinstance(value, dict):
        return {key: _told(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_told(inner, name) for inner in value]
    if name == 'arguments':
        key, equals, rest = value.partition('=')
        return key + equals + last_part(rest) if equals else last_part(value)
    return last_part(value) if name in PATHS and isinstance(value, str) else value


def _is_default(field: Any, value: Any) -> bool:
    if field.default_factory is not NODEFAULT:
        return bool(value == field.default_factory())
    return field.default is not NODEFAULT and value == field.default


def log_text(path: str) -> bytes:
    """A log as it is sent in: of its first line what is read of one, of the others their numbers.

    Raises:
        RequestError: it cannot be read.
    """
    rows: List[Dict[str, Any]] = []
    for line in read_bytes(path, most=None).splitlines():
        try:
            row = parse_json(line, path)
        except RequestError:
            continue  # cut off; whoever reads logs leaves it out
        if isinstance(row, dict) and 'mode' in row:
            rows.append({name: value for name, value in row.items()
                         if isinstance(value, (int, float)) or (name == 'mode' and value in ('train', 'val'))})
        elif isinstance(row, dict):
            rows.append({name: row[name] for name in META if name in row})
            if isinstance(row.get('env_info'), str):
                rows[-1]['env_info'] = PATH_OF_LINE.sub(r'\1\2', row['env_info'])
    trained = [place for place, row in enumerate(rows) if row.get('mode') == 'train']
    kept = {*trained[::-1][::-(-len(trained) // MOST_ROWS) or 1]}
    left_out = {*trained} - kept
    return ''.join(json.dumps(without_private_text(row)) + '\n'
                   for place, row in enumerate(rows) if place not in left_out).encode()


def submission_text(submission: Submission) -> bytes:
    """The content of `submission.json`."""
    return _json(msgspec.to_builtins(submission))


def files_of(folder: str) -> Tuple[Verdict, Files]:
    """The verdict of a work dir, and the files of its submission by name.

    Raises:
        RequestError: there is no verdict in it, or that of `verify`; or a file is too large.
    """
    run = read_run(folder)
    if run.verdict is None:
        raise RequestError(f'{folder}: no {VERDICT} in it; name the work dir of a run of this project')
    if isinstance(run.verdict, VerifyVerdict):
        raise RequestError(f'{folder}: the verdict of verify, which judged others\'; name the work dirs of the runs')
    files = {VERDICT: verdict_text(run.verdict), **{name: log_text(os.path.join(folder, name)) for name in _logs(run)}}
    files[SUBMISSION] = submission_text(Submission(
        made_by=f'head {__version__}',
        files={name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
        detections=file_hash(run.detections) if run.detections else None))
    for name, content in files.items():
        if len(content) > MOST_BYTES:
            raise RequestError(f'{os.path.join(folder, name)}: {len(content) / 1e6:.1f} MB are left of it, and a '
                               f'submission\'s file has {MOST_BYTES / 1e6:.1f} at most')
    return run.verdict, files


def _logs(run: Run) -> List[str]:
    names = sorted(name for name in os.listdir(run.folder) if name.endswith('.log.json')) if run.log else []
    odd = next((name for name in names if not DATED.fullmatch(name)), None)
    if odd:
        raise RequestError(f'{os.path.join(run.folder, odd)}: its name does not say when it was begun, as '
                           '20261128_093000.log.json does; rename it')
    return names


def _json(content: Any) -> bytes:
    return (json.dumps(content, indent=1) + '\n').encode()
