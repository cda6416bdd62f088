"""Is a submission what `submit` makes of a run? What is read is somebody else's."""

import math
import os
import re
import stat
import statistics
from typing import List, NamedTuple

from .. import catalog
from ..coco.categories import NAMES
from ..errors import RequestError
from ..judging.earlier_result import Result, doubts_of_log, result_of_run
from ..judging.verdict import PASS, UNVERIFIED
from ..results.json_reading import convert, parse_json, read_bytes
from ..results.run import Run, read_run
from ..results.training_log import DATED
from ..results.verdict_file import (
    RELEASED,
    VERDICT,
    EvalVerdict,
    ParityVerdict,
    RunVerdict,
    SmokeVerdict,
    TrainVerdict,
    Verdict,
    VerifyVerdict,
    read_verdict,
)
from ..support.file_hash import file_hash
from ..support.printed_text import printable
from .private_text import first_private_text
from .submission import MOST_BYTES, SUBMISSION, Submission, log_text, place_of, submission_text, verdict_text

MOST_FILES = 100
"""A training that was resumed has a log for each part."""

CLOSE = 1e-6
"""Between 0 and 1, of a mean and what it is the mean of; in percent, of numbers that were computed twice."""

MOST_SECONDS, MOST_PROCESSES = 1e8, 4096

SHA256 = re.compile(r'[0-9a-f]{64}')
AGAIN = 'make it with submit'


class Checked(NamedTuple):
    """A submission as it was found: its verdict, and the result that its numbers give now."""

    verdict: Verdict
    result: Result


def check_submission(folder: str) -> Checked:
    """Read a submission.

    Args:
        folder: ROW/NAME of the ledger.

    Raises:
        RequestError: a file that does not belong there or is not as `submit` writes it, private text, numbers that
            contradict one another, another config than the row's, or another verdict than the numbers give; names it.
    """
    try:
        return _check(folder)
    except (RecursionError, ValueError, ArithmeticError) as error:
        raise RequestError(f'{folder}: cannot be read ({printable(error)}); {AGAIN}') from error


def _check(folder: str) -> Checked:
    names = _check_files(folder)
    path = os.path.join(folder, SUBMISSION)
    submission = convert(parse_json(read_bytes(path), path), Submission, path)
    _check_hashes(folder, names, submission)
    verdict = _check_form(folder, names, submission)
    run = read_run(folder)
    if isinstance(verdict, RunVerdict):
        row = _check_config(folder, verdict)
        _check_numbers(folder, verdict)
        _check_origin(folder, verdict, row, run)
    if isinstance(verdict, (SmokeVerdict, ParityVerdict)) and not verdict.checks:
        raise RequestError(f'{os.path.join(folder, VERDICT)}: no checks in it; {AGAIN}')
    result = result_of_run(run)
    _compare(folder, verdict, result)
    return Checked(verdict, result)


def _check_files(folder: str) -> List[str]:
    names = sorted(os.listdir(folder))
    for name in names:
        path = os.path.join(folder, printable(name))
        if name not in (VERDICT, SUBMISSION) and not DATED.fullmatch(name):
            raise RequestError(f'{path}: no part of a submission, which are {VERDICT}, {SUBMISSION} and logs like '
                               '20261128_093000.log.json; remove it')
        state = os.lstat(os.path.join(folder, name))
        if not stat.S_ISREG(state.st_mode):
            raise RequestError(f'{path}: not a regular file; {AGAIN}')
        if state.st_mode & 0o111:
            raise RequestError(f'{path}: executable; chmod -x')
        if state.st_size > MOST_BYTES:
            raise RequestError(f'{path}: {state.st_size / 1e6:.1f} MB, {MOST_BYTES / 1e6:.1f} at most')
    missing = next((name for name in (VERDICT, SUBMISSION) if name not in names), None)
    if missing:
        raise RequestError(f'{folder}: has no {missing}; {AGAIN}')
    if len(names) > MOST_FILES:
        raise RequestError(f'{folder}: {len(names)} files, {MOST_FILES} at most; send the logs of the last parts')
    return names


def _check_hashes(folder: str, names: List[str], submission: Submission) -> None:
    others = {*names} - {SUBMISSION}
    if others != {*submission.files}:
        odd = sorted(others ^ {*submission.files})
        where = 'is not listed in' if odd[0] in others else 'is missing, and listed in'
        raise RequestError(f'{folder}: {printable(odd[0])} {where} {SUBMISSION}; {AGAIN}')
    for name, sha256 in submission.files.items():
        if file_hash(os.path.join(folder, name)) != sha256:
            raise RequestError(f'{os.path.join(folder, name)}: changed since it was submitted, its sha256 is another; '
                               f'{AGAIN}')
    if submission.detections is not None and not SHA256.fullmatch(submission.detections):
        raise RequestError(f'{os.path.join(folder, SUBMISSION)}: detections is no sha256; {AGAIN}')


def _check_form(folder: str, names: List[str], submission: Submission) -> Verdict:
    """Without private text, and to the byte as `submit` writes it."""
    for name in names:
        path = os.path.join(folder, name)
        lines = read_bytes(path).splitlines() if name.endswith('.log.json') else [read_bytes(path)]
        private = next(filter(None, (first_private_text(parse_json(line, path)) for line in lines)), '')
        if private:
            raise RequestError(f'{path}: names a folder, a machine or a person: {printable(private, 80)}; {AGAIN}')
    verdict = read_verdict(os.path.join(folder, VERDICT))
    if isinstance(verdict, VerifyVerdict):
        raise RequestError(f'{os.path.join(folder, VERDICT)}: the verdict of verify, which judged others\'; submit the '
                           'runs')
    for name in names:
        path = os.path.join(folder, name)
        made = (verdict_text(verdict) if name == VERDICT else
                submission_text(submission) if name == SUBMISSION else log_text(path))
        with open(path, 'rb') as file:
            if file.read() != made:
                raise RequestError(f'{path}: not as submit writes it: more than is read of one, or in another form')
    place = place_of(verdict, verdict_text(verdict))
    if os.path.join(*os.path.abspath(folder).split(os.sep)[-2:]) != place:
        raise RequestError(f'{folder}: belongs to {place} of the ledger; move it there')
    return verdict


def _check_config(folder: str, verdict: RunVerdict) -> catalog.Model:
    path = os.path.join(folder, VERDICT)
    row = catalog.models().get(verdict.alias or '')
    if row is None:
        raise RequestError(f'{path}: of no row of the results table, and nothing is reported for it')
    if verdict.config != os.path.basename(row.config):
        raise RequestError(f'{path}: of {row.alias}, but its config is {printable(verdict.config, 80)}')
    if verdict.config_sha256 != file_hash(catalog.config_of(row)):
        raise RequestError(f'{path}: of another config than {row.config}: its sha256 differs')
    return row


def _check_numbers(folder: str, verdict: RunVerdict) -> None:
    path = os.path.join(folder, VERDICT)
    AP, categories = (verdict.metrics or {}).get('AP'), verdict.per_category
    if AP is not None and math.isfinite(AP):
        if categories is None or {*categories} != {*NAMES}:
            raise RequestError(f'{path}: a box mAP, and not the AP of each of COCO\'s {len(NAMES)} categories')
        odd = next((name for name, value in categories.items() if not (value == -1 or 0 <= value <= 1)), None)
        if odd:
            raise RequestError(f'{path}: the AP of {odd} is {categories[odd]}, no number from 0 to 1')
        mean = statistics.fmean([value for value in categories.values() if value >= 0] or [-1])
        if not math.isclose(mean, AP, abs_tol=CLOSE):
            raise RequestError(f'{path}: AP is {AP * 100:.2f}, but the mean of its categories {mean * 100:.2f}')
    if not (verdict.seconds is None or 0 < verdict.seconds < MOST_SECONDS):
        raise RequestError(f'{path}: it took {verdict.seconds:g} seconds, it says')
    if not (verdict.processes is None or 1 <= verdict.processes <= MOST_PROCESSES):
        raise RequestError(f'{path}: it ran in {verdict.processes} processes, it says')


def _check_origin(folder: str, verdict: RunVerdict, row: catalog.Model, run: Run) -> None:
    """What is said to confirm or to fail a reported number must be able to."""
    path, against = os.path.join(folder, VERDICT), []
    if isinstance(verdict, TrainVerdict) and verdict.measured is not None and run.log is None:
        raise RequestError(f'{path}: of a training, whose log is not there; {AGAIN}')
    if run.log and run.log.seed != verdict.seed:
        raise RequestError(f'{path}: says seed {verdict.seed}, and its log {run.log.seed}')
    if isinstance(verdict, EvalVerdict):
        if verdict.checkpoint is None:
            raise RequestError(f'{path}: of an evaluation, and does not say of what; {AGAIN}')
        if verdict.checkpoint.part == RELEASED and verdict.checkpoint.confirmed and not _is_released(
                row, verdict.checkpoint.sha256):
            raise RequestError(f'{path}: of released weights, it says, and the catalog has none of their sha256')
    if verdict.verdict == UNVERIFIED:
        return
    if verdict.amp or verdict.tf32:
        against.append('it did not compute in float32')
    if (verdict.commit or '').endswith('+'):
        against.append('its code is that of no commit')
    if isinstance(verdict, TrainVerdict):
        if row.files and not (verdict.weights and all(one.confirmed for one in verdict.weights)):
            against.append('it did not begin with the row\'s weights')
        if run.log:
            against += doubts_of_log(run.log, row)[0]
    if against:
        raise RequestError(f'{path}: says {verdict.verdict}, and {printable(against[0], 200)}')


def _is_released(row: catalog.Model, sha256: str) -> bool:
    if row.checkpoint:
        return bool(catalog.files()[row.checkpoint].has_hash(sha256))
    files = catalog.released().files.get(row.alias)
    return bool(files and files.checkpoint and files.checkpoint.sha256 == sha256)


def _compare(folder: str, verdict: Verdict, result: Result) -> None:
    """What the numbers give now must be what the verdict says."""
    path, now = os.path.join(folder, VERDICT), result.judged()
    if now['verdict'] != verdict.verdict:
        why = f' ({printable("; ".join(now["why"]), 200)})' if now['why'] else ''
        raise RequestError(f'{path}: says {verdict.verdict}, and its numbers give {now["verdict"]}{why}')
    if verdict.verdict == PASS and verdict.why:
        raise RequestError(f'{path}: says pass, and: {printable(verdict.why[0], 200)}')
    if isinstance(verdict, RunVerdict):
        for name in ('measured', 'reported', 'tolerance', 'difference'):
            said, found = getattr(verdict, name), now[name]
            if not (said == found or (said is not None and found is not None and (
                    math.isclose(said, found, abs_tol=CLOSE) or (math.isnan(said) and math.isnan(found))))):
                raise RequestError(f'{path}: says {name} {said}, and its numbers give {found}')
