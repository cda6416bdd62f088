"""Is a submission what `submit` makes of a run? What is read is somebody else's."""

import math
import os
import re
import stat
import statistics
from typing import Any, Dict, List

from .. import catalog
from ..errors import RequestError
from ..judging.earlier_result import result_of_run
from ..results.json_reading import convert, parse_json, read_bytes
from ..results.run import read_run
from ..results.training_log import DATED
from ..results.verdict_file import VERDICT, RunVerdict, Verdict, VerifyVerdict, read_verdict
from ..support.file_hash import file_hash
from ..support.printed_text import printable
from .private_text import first_private_text
from .submission import MOST_BYTES, SUBMISSION, Submission, place_of, verdict_text

MOST_FILES = 20
"""A training that was resumed has a log for each part."""

CLOSE = 1e-6
"""Between 0 and 1, of a mean and what it is the mean of."""

SHA256 = re.compile(r'[0-9a-f]{64}')


def check_submission(folder: str) -> Verdict:
    """Its verdict, judged anew.

    Args:
        folder: ROW/NAME of the ledger.

    Raises:
        RequestError: a file that does not belong there, private text, numbers that contradict one another, another
            config than the row's, or another verdict than the numbers give; names it.
    """
    names = _check_files(folder)
    path = os.path.join(folder, SUBMISSION)
    submission = convert(parse_json(read_bytes(path), path), Submission, path)
    if {*names} - {SUBMISSION} != {*submission.files}:
        raise RequestError(f'{path}: lists {", ".join(map(printable, sorted(submission.files)))}, and there are '
                           'others; make it with submit')
    for name, sha256 in submission.files.items():
        if file_hash(os.path.join(folder, name)) != sha256:
            raise RequestError(f'{os.path.join(folder, name)}: changed since it was submitted, its sha256 is another; '
                               'make it with submit')
    if submission.detections is not None and not SHA256.fullmatch(submission.detections):
        raise RequestError(f'{path}: detections is no sha256; make it with submit')
    _check_text(folder, names)
    verdict = read_verdict(os.path.join(folder, VERDICT))
    _check_place(folder, verdict)
    if isinstance(verdict, RunVerdict):
        _check_config(folder, verdict)
        _check_numbers(folder, verdict)
    _judge_again(folder, verdict)
    return verdict


def _check_files(folder: str) -> List[str]:
    names = sorted(os.listdir(folder))
    for name in names:
        path = os.path.join(folder, printable(name))
        if name not in (VERDICT, SUBMISSION) and not DATED.fullmatch(name):
            raise RequestError(f'{path}: no part of a submission, which are {VERDICT}, {SUBMISSION} and logs like '
                               '20261128_093000.log.json; remove it')
        state = os.lstat(os.path.join(folder, name))
        if not stat.S_ISREG(state.st_mode):
            raise RequestError(f'{path}: not a regular file; make it with submit')
        if state.st_mode & 0o111:
            raise RequestError(f'{path}: executable; chmod -x')
        if state.st_size > MOST_BYTES:
            raise RequestError(f'{path}: {state.st_size / 1e6:.1f} MB, {MOST_BYTES / 1e6:.1f} at most')
    missing = next((name for name in (VERDICT, SUBMISSION) if name not in names), None)
    if missing:
        raise RequestError(f'{folder}: has no {missing}; make it with submit')
    if len(names) > MOST_FILES:
        raise RequestError(f'{folder}: {len(names)} files, {MOST_FILES} at most')
    return names


def _check_text(folder: str, names: List[str]) -> None:
    for name in names:
        path = os.path.join(folder, name)
        lines = read_bytes(path).splitlines() if name.endswith('.log.json') else [read_bytes(path)]
        for line in lines:
            found = first_private_text(parse_json(line, path))
            if found:
                raise RequestError(f'{path}: names a folder, a machine or a person: {printable(found, 80)}; make it '
                                   'with submit')


def _check_place(folder: str, verdict: Verdict) -> None:
    path = os.path.join(folder, VERDICT)
    content = read_bytes(path)
    if isinstance(verdict, VerifyVerdict):
        raise RequestError(f'{path}: the verdict of verify, which judged others\'; submit the runs')
    if content != verdict_text(verdict):
        raise RequestError(f'{path}: not as submit writes it: more than a verdict has, or in another form')
    place = place_of(verdict, content)
    if os.path.join(*os.path.abspath(folder).split(os.sep)[-2:]) != place:
        raise RequestError(f'{folder}: belongs to {place} of the ledger; move it there')


def _check_config(folder: str, verdict: RunVerdict) -> None:
    path = os.path.join(folder, VERDICT)
    row = catalog.models().get(verdict.alias or '')
    if row is None:
        raise RequestError(f'{path}: of no row of the results table, and nothing is reported for it')
    if os.path.basename(verdict.config) != os.path.basename(row.config):
        raise RequestError(f'{path}: of {row.alias}, but its config is {printable(verdict.config, 80)}')
    if verdict.config_sha256 != file_hash(catalog.config_of(row)):
        raise RequestError(f'{path}: of another config than {row.config}: its sha256 differs')


def _check_numbers(folder: str, verdict: RunVerdict) -> None:
    path = os.path.join(folder, VERDICT)
    each = [value for value in (verdict.per_category or {}).values() if value >= 0]
    AP = (verdict.metrics or {}).get('AP')
    if AP is not None and each and not math.isclose(statistics.fmean(each), AP, abs_tol=CLOSE):
        raise RequestError(f'{path}: AP is {AP * 100:.2f}, but the mean of its categories '
                           f'{statistics.fmean(each) * 100:.2f}')


def _judge_again(folder: str, verdict: Verdict) -> None:
    """What the numbers give now must be what the verdict says."""
    path = os.path.join(folder, VERDICT)
    now = result_of_run(read_run(folder)).judged()
    said: Dict[str, Any] = {name: getattr(verdict, name, None) for name in now}
    if now['verdict'] != said['verdict']:
        why = f' ({printable("; ".join(now["why"]), 200)})' if now['why'] else ''
        raise RequestError(f'{path}: says {said["verdict"]}, and its numbers give {now["verdict"]}{why}')
    for name in ('measured', 'reported', 'difference'):
        if said[name] is not None and not math.isclose(said[name], now[name] if now[name] is not None else math.inf,
                                                       abs_tol=CLOSE):
            raise RequestError(f'{path}: says {name} {said[name]:.2f}, and its numbers give {now[name]}')
