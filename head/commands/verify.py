"""`verify`: results made earlier, by this project or by mmdet, against what is reported."""

import itertools
import math
import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Dict, List, Mapping

from .. import catalog
from ..errors import DONE, FELL_SHORT, RequestError
from ..judging.earlier_result import read_result
from ..judging.trainings_of_row import by_row, together
from ..judging.verdict import FAIL, PASS, UNVERIFIED, sentence
from ..results.run import VERDICT
from ..results.work_dir import open_work_dir
from ..support.atomic_write import write_json

if TYPE_CHECKING:
    from ..cli import Request


def _known(values: Mapping[str, Any]) -> Dict[str, Any]:
    """Without what json has no number for: NaN and infinity become None; the faults name them."""
    return {name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in values.items()}


def run(request: 'Request') -> int:
    """The command `verify`; returns its exit status."""
    if not request.words:
        raise RequestError('verify needs files or work dirs: verdict.json, *.log.json, metrics or detections')
    row = None
    if request.get('config'):
        path, row = catalog.find_config(request.get('config'))
        if row is None:
            raise RequestError(f'config={path}: no row of the results table; nothing is reported for it')
    results = [read_result(word, row, request.get('data')) for word in request.words]
    work_dir = open_work_dir(request.get('work_dir') or os.path.join('work_dirs', 'verify'), 'verify')

    content: List[Dict[str, Any]] = []
    lines: List[str] = []
    final: List[str] = []
    several, repeats, notes = by_row(results)
    grouped = {id(one) for one in itertools.chain(repeats, *several.values())}
    for one in results:
        verdict = one.judged()
        lines.append(f'{one.path}: {sentence(one.row.alias if one.row else "no row of the table", verdict)}')
        lines += [f'  taken on trust: {what}' for what in one.trusted]
        content.append(dict(path=one.path, alias=one.row and one.row.alias, metrics=_known(one.metrics), seed=one.seed,
                            trusted=one.trusted, **_known(verdict)))
        if id(one) not in grouped:
            final.append(verdict['verdict'])
    groups = {alias: together(members) for alias, members in several.items()}
    for found, line in groups.values():
        lines.append(line)
        final.append(found.verdict)
    lines += [f'not judged together: {note}' for note in notes]
    overall = FAIL if FAIL in final else UNVERIFIED if UNVERIFIED in final else PASS
    target = os.path.join(work_dir, VERDICT)
    write_json(target, dict(command='verify', verdict=overall, results=content,
                            together={alias: asdict(found) for alias, (found, _) in groups.items()}))
    for line in lines:
        print(line)
    print(f'written: {target}')
    return FELL_SHORT if overall == FAIL else DONE
