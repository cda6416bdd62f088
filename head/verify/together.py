"""Several trainings of one row: which are draws of their own, and what do they say together?"""

from ..verdict import UNVERIFIED
from .seeds import judge_together


def by_row(results):
    """The trainings of each row that can be judged together.

    A result stands alone where it is doubtful or faulty, of a row without a reported number, or no draw of its own:
    the evaluation of a checkpoint, the same run once more, a seed once more.

    Returns:
        (dict, list[Result], list[str]): alias -> two or more of `results`; those that repeat one of these; and in words
            what they repeat.
    """
    rows, repeats, notes = {}, [], []
    for one in results:
        if one.draw and one.row and one.row.reported is not None and not one.doubts and not one.faults:
            members = rows.setdefault(one.row.alias, [])
            same = next(filter(None, (_same(one, other) for other in members)), None)
            if same:
                repeats.append(one)
                notes.append(same)
            else:
                members.append(one)
    rows = {alias: members for alias, members in rows.items() if len(members) > 1}
    return rows, [one for one in repeats if one.row.alias in rows], notes


def _same(one, other):
    """What makes two results no two draws, in words; None where they are two."""
    if one.identity == other.identity:
        return f'{one.path} and {other.path} are the same run'
    if one.seed is not None and one.seed == other.seed:
        return f'{one.path} and {other.path} have the same seed'
    return None


def together(results):
    """Judge several trainings of one row.

    Args:
        results (list[Result]): of `by_row`.

    Returns:
        (Together, str): and a sentence.
    """
    row = results[0].row
    found = judge_together([one.measured for one in results], row.reported, row.train_tolerance,
                           max(one.rounding for one in results))
    low, high = found.interval
    why = ' (off, but it may be chance: train more seeds)' if found.verdict == UNVERIFIED else ''
    return found, (f'{row.alias}: {found.n} trainings, mean {found.mean:.2f} mAP (95 % interval {low:.2f} to '
                   f'{high:.2f}), spread {found.spread:.2f}, reported {row.reported:.1f}, p {found.p:.2g}: '
                   f'{found.verdict}{why}')
