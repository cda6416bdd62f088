"""`verify`: results made earlier, by this project or by mmdet, against what is reported."""

import itertools
import os
from dataclasses import asdict

from .. import catalog
from ..engine.work_dir import open_work_dir
from ..errors import DONE, FELL_SHORT, RequestError
from ..verdict import FAIL, PASS, UNVERIFIED, sentence, write_json
from .result import read_result
from .seeds import judge_together


def twice(results):
    """Why results of one row are not as many trainings, or None."""
    for one, other in itertools.combinations(results, 2):
        if one.identity == other.identity:
            return f'{one.path} and {other.path} are the same run'
        if one.seed is not None and one.seed == other.seed:
            return f'{one.path} and {other.path} are of the same seed'
    return None


def together(results):
    """Judge several trainings of one row.

    Args:
        results (list[Result]): of one row with a reported number.

    Returns:
        (dict, str): for json, and a sentence.
    """
    row, verdicts = results[0].row, [one.judged() for one in results]
    faults = [f'{one.path}: {what}' for one in results for what in one.faults]
    if faults:
        return dict(verdict=FAIL, why=faults), f'{row.alias}: {FAIL} ({faults[0]})'
    doubts = [f'{one.path}: {why}' for one, verdict in zip(results, verdicts) for why in verdict['why']]
    doubts += [why for why in [twice(results)] if why]
    found = judge_together([one.measured for one in results], row.reported, row.train_tolerance,
                           max(one.rounding for one in results))
    if doubts:
        found.verdict = UNVERIFIED
    elif found.verdict == UNVERIFIED:
        doubts.append('off, but it may be chance: train more seeds')
    low, high = found.interval
    line = (f'{row.alias}: {found.n} trainings, mean {found.mean:.2f} mAP (95 % interval {low:.2f} to {high:.2f}), '
            f'spread {found.spread:.2f}, reported {row.reported:.1f}, p {found.p:.2g}: {found.verdict}')
    return dict(asdict(found), why=doubts), line + (f' ({doubts[0]})' if doubts else '')


def run(request):
    """The command `verify`; returns its exit status."""
    if not request.words:
        raise RequestError('verify needs files or work dirs: verdict.json, *.log.json, metrics or detections')
    row = None
    if request.get('config'):
        path, row = catalog.find_config(request.get('config'))
        if row is None:
            raise RequestError(f'config={path}: no row of the results table; nothing is reported for it')
    results = [read_result(word, row, request.get('data')) for word in request.words]
    work_dir = open_work_dir(request.get('work_dir') or os.path.join('work_dirs', 'verify'))

    content, lines, final = [], [], []
    rows = {}
    for one in results:
        verdict = one.judged()
        lines.append(f'{one.path}: {sentence(one.row.alias if one.row else "no row of the table", verdict)}')
        lines += [f'  taken on trust: {what}' for what in one.trusted]
        content.append(dict(path=one.path, alias=one.row and one.row.alias, metrics=one.metrics, seed=one.seed,
                            trusted=one.trusted, **verdict))
        if one.training and one.row and one.row.reported:
            rows.setdefault(one.row.alias, []).append((one, verdict['verdict']))
        else:
            final.append(verdict['verdict'])
    groups = {}
    for alias, members in rows.items():
        if len(members) == 1:
            final.append(members[0][1])
            continue
        groups[alias], line = together([one for one, _ in members])
        lines.append(line)
        final.append(groups[alias]['verdict'])
    overall = FAIL if FAIL in final else UNVERIFIED if UNVERIFIED in final else PASS
    target = os.path.join(work_dir, 'verdict.json')
    write_json(target, dict(command='verify', verdict=overall, results=content, together=groups))
    for line in lines:
        print(line)
    print(f'written: {target}')
    return FELL_SHORT if overall == FAIL else DONE
