"""What the trainings of the arms say together: means, spreads, and which differences are more than chance.

Stored (`comparison.json`) are the AP of every training, and the data's hash. Another processor, stack or order of sums
rounds differently and so makes other trainings, of which each arm's mean must agree with the stored one's (Welch's t
test).
"""

from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any, Dict, Iterator, List

from scipy import stats

RESULT = Path(__file__).parent / 'comparison.json'

SIGNIFICANT = 0.05
"""A difference with a smaller p is called one."""

REPRODUCED = 0.001
"""A rerun whose arm differs from the stored one with a smaller p is not the same experiment."""

LEAST_SHARE = 0.5
"""Nor is one whose arm's mean is below this share of the stored one: few seeds that scatter prove little by p."""


@dataclass
class Row:
    """An arm: AP in percent, of all seeds; p of its difference from the arm that it is held against."""

    arm: str
    mean: float
    spread: float
    against: str = ''
    gain: float = 0.0
    p: float = 1.0


ORDER = {'assist': 'baseline', 'assist + AKD': 'assist', 'assist + AKD + CKD': 'assist + AKD', 'TF-HEAD': 'baseline'}
"""In the paper each is better than its value: 31.7, 33.4, 35.7, 36.1, and 33.9 against 31.7."""


def p_of_difference(some: List[float], others: List[float]) -> float:
    """Welch's two-sided t test; 1 of equal lists."""
    return 1.0 if some == others else float(stats.ttest_ind(some, others, equal_var=False).pvalue)


def rows(runs: Dict[str, List[float]]) -> List[Row]:
    """A `Row` of every arm.

    Args:
        runs: arm -> AP, 0 to 1, of each seed.
    """
    percent = {arm: [100 * value for value in values] for arm, values in runs.items()}
    found = []
    for arm, values in percent.items():
        row = Row(arm, mean(values), stdev(values))
        if arm in ORDER:
            row.against = ORDER[arm]
            row.gain = row.mean - mean(percent[row.against])
            row.p = p_of_difference(values, percent[row.against])
        found.append(row)
    return found


def differing(runs: Dict[str, List[float]], stored: Dict[str, List[float]]) -> Dict[str, float]:
    """The arms whose trainings are not the stored ones repeated: arm -> p."""
    found = {arm: p_of_difference(values, stored[arm]) for arm, values in runs.items()}
    return {arm: p for arm, p in found.items()
            if not (p >= REPRODUCED and mean(runs[arm]) >= LEAST_SHARE * mean(stored[arm]))}


def differences(found: Dict[str, Any], stored: Dict[str, Any]) -> List[str]:
    """Why the result is not the stored one: a list of lines, empty where it is."""
    faults = [] if found['data'] == stored['data'] else ['the drawn images have other annotations']
    return faults + [f'{arm}: its mean differs from the stored result (p = {p:.2g})'
                     for arm, p in differing(found['runs'], stored['runs']).items()]


def markdown(runs: Dict[str, List[float]]) -> str:
    """The table."""
    lines = ['| trained | AP, mean | spread | gain | p |', '| --- | --- | --- | --- | --- |']
    for row in rows(runs):
        gain = f'{row.gain:+.1f} on {row.against}' if row.against else '–'
        p = '–' if not row.against else '< 0.001' if row.p < 0.001 else f'{row.p:.3f}'
        lines.append(f'| {row.arm} | {row.mean:.1f} | {row.spread:.1f} | {gain} | {p} |')
    return '\n'.join(lines)


def finding(runs: Dict[str, List[float]]) -> Iterator[str]:
    """One sentence an arm: whether the paper's order appears."""
    for row in rows(runs):
        if row.against:
            word = 'no significant difference'
            if row.p < SIGNIFICANT:
                word = 'as in the paper' if row.gain > 0 else 'against the paper'
            yield f'{row.arm} on {row.against}: {row.gain:+.1f} AP, {word}'
