"""Several trainings of one row: which are draws of their own, and what do they say together?"""

from typing import Dict, Iterable, List, Optional, Sequence, Tuple

from ..results.verdict_file import SeveralSeeds
from .earlier_result import Result
from .seeds import judge_together
from .verdict import UNVERIFIED


def trainings_by_row(results: Iterable[Result]) -> Tuple[Dict[str, List[Result]], List[Result], List[str]]:
    """The trainings of each row that can be judged together.

    A result stands alone where it is doubtful or faulty, of a row without a reported number, or no draw of its own:
    the evaluation of a checkpoint, the same run once more, a seed once more.

    Returns:
        alias -> two or more of `results`; those that repeat one of these; and in words what they repeat.
    """
    rows: Dict[str, List[Result]] = {}
    repeats: List[Result] = []
    notes: List[str] = []
    for one in results:
        if one.draw and one.row and one.row.reported is not None and not one.doubts and not one.faults:
            members = rows.setdefault(one.row.alias, [])
            same = next(filter(None, (same_draw(one, other) for other in members)), None)
            if same:
                repeats.append(one)
                notes.append(same)
            else:
                members.append(one)
    rows = {alias: members for alias, members in rows.items() if len(members) > 1}
    return rows, [one for one in repeats if one.row and one.row.alias in rows], notes


def same_draw(one: Result, other: Result) -> Optional[str]:
    """What makes two results no two draws, in words; None where they are two."""
    if one.identity == other.identity:
        return f'{one.path} and {other.path} are the same run'
    if one.seed is not None and one.seed == other.seed:
        return f'{one.path} and {other.path} have the same seed'
    return None


def judge_trainings(results: Sequence[Result]) -> Tuple[SeveralSeeds, str]:
    """Judge several trainings of one row.

    Args:
        results: of `trainings_by_row`.

    Returns:
        what they say, and a sentence.
    """
    row, measured = results[0].row, [one.measured for one in results if one.measured is not None]
    assert row and row.reported is not None and len(measured) == len(results), '`trainings_by_row` leaves others out'
    found = judge_together(measured, row.reported, row.train_tolerance, max(one.rounding for one in results))
    low, high = found.interval
    why = ' (off, but it may be chance: train more seeds)' if found.verdict == UNVERIFIED else ''
    return found, (f'{row.alias}: {found.n} trainings, mean {found.mean:.2f} mAP (95 % interval {low:.2f} to '
                   f'{high:.2f}), spread {found.spread:.2f}, reported {row.reported:.1f}, p {found.p:.2g}: '
                   f'{found.verdict}{why}')
