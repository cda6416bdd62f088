"""`verify`: results made earlier, by this project or by mmdet, against what is reported."""

import itertools
import math
import os
from typing import Any, Dict, Iterator, List, Mapping, Optional

from .. import catalog
from ..engine import locked_packages
from ..errors import RequestError
from ..judging.earlier_result import Result, read_result
from ..judging.trainings_of_row import judge_trainings, trainings_by_row
from ..judging.verdict import EXIT_STATUS, FAIL, PASS, UNVERIFIED, sentence
from ..ledger.entries import is_ledger, is_submission, submissions
from ..ledger.submission_check import check_submission
from ..request import Request
from ..results.verdict_file import CheckedResult, VerdictWord, VerifyVerdict, write_verdict
from ..results.work_dir import open_work_dir
from ..support.folders import WORK_DIRS
from ..support.printed_text import LONGEST_LINE, printable


def _known(values: Mapping[str, Any]) -> Dict[str, Any]:
    """Without what json has no number for: NaN and infinity become None; the faults name them."""
    return {name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in values.items()}


def _results(request: Request, row: Optional[catalog.Model]) -> Iterator[Result]:
    """What the words name; in the place of a ledger its submissions, each of them checked."""
    for word in request.words:
        if is_submission(word):
            yield check_submission(word).result
        elif is_ledger(word):
            yield from (check_submission(folder).result for folder in submissions(word))
        else:
            yield read_result(word, row, request.get('data'))


def run(request: Request) -> int:
    """The command `verify`; returns its exit status."""
    if not request.words:
        raise RequestError('verify needs files or work dirs: verdict.json, *.log.json, metrics or detections')
    row = None
    if request.get('config'):
        path, row = catalog.find_config(request.get('config'))
        if row is None:
            raise RequestError(f'config={path}: no row of the results table; nothing is reported for it')
    results = list(_results(request, row))
    for one in results:
        if one.scored_here:
            one.doubts += locked_packages.doubts()
    work_dir = open_work_dir(request.get('work_dir') or os.path.join(WORK_DIRS, 'verify'), 'verify')

    content: List[CheckedResult] = []
    lines: List[str] = []
    final: List[str] = []
    several, repeats, notes = trainings_by_row(results)
    grouped = {id(one) for one in itertools.chain(repeats, *several.values())}
    for one in results:
        verdict = one.judged()
        lines.append(f'{one.path}: {sentence(one.name, verdict)}')
        lines += [f'  {remark}' for remark in one.remarks]
        content.append(CheckedResult(path=one.path, alias=one.row.alias if one.row else None,
                                     metrics=_known(one.metrics), seed=one.seed, trusted=one.trusted, notes=one.notes,
                                     **_known(verdict)))
        if id(one) not in grouped:
            final.append(verdict['verdict'])
    groups = {alias: judge_trainings(members) for alias, members in several.items()}
    for found, line in groups.values():
        lines.append(line)
        final.append(found.verdict)
    lines += [f'not combined: {note}' for note in notes]
    overall: VerdictWord = FAIL if FAIL in final else UNVERIFIED if UNVERIFIED in final else PASS
    target = write_verdict(work_dir, VerifyVerdict(
        verdict=overall, why=[] if overall == PASS else [line for line in lines if f': {overall}' in line],
        results=content, together={alias: found for alias, (found, _) in groups.items()}))
    for line in lines:
        print(printable(line, LONGEST_LINE))
    print(printable(f'written: {target}', LONGEST_LINE))
    return EXIT_STATUS[overall]
