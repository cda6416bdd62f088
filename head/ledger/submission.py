"""One submission: what can be checked of a run without its weights, as files of one folder.

`verdict.json` and the logs are the run's own, without private text; `submission.json` says what they were.
"""

import hashlib
import json
import os
import re
from typing import Any, Dict, List, Optional, Tuple

import msgspec
from msgspec import Struct

from .. import __version__
from ..errors import RequestError
from ..results.json_reading import parse_json, read_bytes
from ..results.run import Run, read_run
from ..results.training_log import DATED, META
from ..results.verdict_file import VERDICT, Verdict, VerifyVerdict
from ..support.file_hash import file_hash
from .private_text import without_private_text

SUBMISSION = 'submission.json'

Files = Dict[str, bytes]
"""Content by name."""

PATHS = 'config', 'ann_file', 'path'
"""Fields of a verdict."""

PATH_OF_LINE = re.compile(r'(?m)^([\w ]+: )/.*/(.*)$')
"""Of mmcv's description of a machine, as in ``CUDA_HOME: /opt/cuda``; there may be spaces in it."""

MOST_BYTES = 2**21
"""Of a file; the log of 36 epochs of COCO has half a megabyte."""


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
    """
    what = getattr(verdict, 'alias', None) or verdict.command
    return os.path.join(what, f'{verdict.stack or "unknown"}-{hashlib.sha256(content).hexdigest()[:12]}')


def verdict_text(verdict: Verdict) -> bytes:
    """The content of `verdict.json` as it is sent in."""
    return _json(without_private_text(_named_by_last_part(msgspec.to_builtins(verdict))))


def _named_by_last_part(value: Any, name: str = '') -> Any:
    """Fields that are paths, and words of the command line that end with one, without their folders, spaces or not."""
    if isinstance(value, dict):
        return {key: _named_by_last_part(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_named_by_last_part(inner, name) for inner in value]
    if name == 'arguments':
        key, equals, rest = value.partition('=')
        return key + equals + os.path.basename(rest.rstrip('/')) if equals else os.path.basename(value.rstrip('/'))
    return os.path.basename(value.rstrip('/')) if name in PATHS and isinstance(value, str) else value


def files_of(folder: str) -> Tuple[Verdict, Files]:
    """The verdict of a work dir, and the files of its submission by name.

    Raises:
        RequestError: there is no verdict in it, or that of `verify`; or a log is too large.
    """
    run = read_run(folder)
    if run.verdict is None:
        raise RequestError(f'{folder}: no {VERDICT} in it; name the work dir of a run of this project')
    if isinstance(run.verdict, VerifyVerdict):
        raise RequestError(f'{folder}: the verdict of verify, which judged others\'; name the work dirs of the runs')
    files = {VERDICT: verdict_text(run.verdict)}
    for name in _logs(run):
        files[name] = _log_text(os.path.join(folder, name))
    submission = Submission(
        made_by=f'head {__version__}',
        files={name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
        detections=file_hash(run.detections) if run.detections else None)
    files[SUBMISSION] = _json(msgspec.to_builtins(submission))
    for name, content in files.items():
        if len(content) > MOST_BYTES:
            raise RequestError(f'{os.path.join(folder, name)}: {len(content) / 1e6:.1f} MB are left of it, and a '
                               f'submission\'s file has {MOST_BYTES / 1e6:.1f} at most; log fewer iterations')
    return run.verdict, files


def _logs(run: Run) -> List[str]:
    names = sorted(name for name in os.listdir(run.folder) if name.endswith('.log.json')) if run.log else []
    odd = next((name for name in names if not DATED.fullmatch(name)), None)
    if odd:
        raise RequestError(f'{os.path.join(run.folder, odd)}: its name does not say when it was begun, as '
                           '20261128_093000.log.json does; rename it')
    return names


def _log_text(path: str) -> bytes:
    """A log as it is sent in: of its first line what is read of one, of the others their numbers."""
    lines = []
    for line in read_bytes(path, most=None).splitlines():
        if not line.strip():
            continue
        try:
            row = parse_json(line, path)
        except RequestError:
            continue  # cut off; whoever reads logs leaves it out
        if not isinstance(row, dict):
            continue
        if 'mode' in row:
            kept: Dict[str, Any] = {name: value for name, value in row.items()
                                    if name == 'mode' or isinstance(value, (int, float))}
        else:
            kept = {name: row[name] for name in META if name in row}
            if isinstance(kept.get('env_info'), str):
                kept['env_info'] = PATH_OF_LINE.sub(r'\1\2', kept['env_info'])
        lines.append(json.dumps(without_private_text(kept)))
    return ''.join(f'{line}\n' for line in lines).encode()


def _json(content: Any) -> bytes:
    return (json.dumps(content, indent=1) + '\n').encode()
