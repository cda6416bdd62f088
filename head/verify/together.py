"""Several trainings of one row: are they several, and what do they say together?"""

import itertools
from dataclasses import asdict

from ..verdict import FAIL, UNVERIFIED
from .seeds import judge_together


def by_row(results):
    """The trainings of each row that has a reported number and more than one: alias -> list[Result]."""
    rows = {}
    for one in results:
        if one.training and one.row and one.row.reported is not None:
            rows.setdefault(one.row.alias, []).append(one)
    return {alias: members for alias, members in rows.items() if len(members) > 1}


def twice(results):
    """Why results of one row are not as many trainings: a list of reasons."""
    pairs = list(itertools.combinations(results, 2))
    same = [f'{one.path} and {other.path} are the same run' for one, other in pairs if one.identity == other.identity]
    return same or [f'{one.path} and {other.path} are of the same seed' for one, other in pairs
                    if one.seed is not None and one.seed == other.seed]


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
    doubts += twice(results)
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
