"""Several trainings of one row, judged together.

The rule. The reported number is that of one training. Ours have the mean m and the spread s. A few trainings estimate s
badly; so it is pooled with an assumed `PRIOR_SPREAD` that counts as `PRIOR_FREEDOM` degrees of freedom. Then

- pass: m is within the row's tolerance of the reported number;
- fail: it is not, and were the reported number one more draw of ours, a difference of this size would come up in less
  than `ALPHA` of all cases (two-sided t test of one more draw against the mean of n);
- unverified: it is not, but that may be chance: train more seeds.
"""

import math
import statistics
from typing import Sequence

from scipy import stats

from ..results.verdict_file import SeveralSeeds, VerdictWord
from .verdict import FAIL, PASS, UNVERIFIED

PRIOR_SPREAD = 0.17
"""mAP in percent. Assumed: published trainings of the same RetinaNet span 35.8 to 36.3, three times as much."""

PRIOR_FREEDOM = 7
ALPHA = 0.05
REPORTED_STEP = 0.1
"""Step of the reported numbers, in mAP."""


def judge_together(measured: Sequence[float], reported: float, tolerance: float, rounding: float = 0.0) -> SeveralSeeds:
    """Judge several trainings of one row.

    Args:
        measured: box mAP in percent of each training, two or more.
        reported: box mAP in percent.
        tolerance: that of one training.
        rounding: what the measured are rounded by, at most.
    """
    n, mean, spread = len(measured), statistics.mean(measured), statistics.stdev(measured)
    freedom = PRIOR_FREEDOM + n - 1
    pooled = math.sqrt((PRIOR_FREEDOM * PRIOR_SPREAD**2 + (n - 1) * spread**2) / freedom)
    # a number that is rounded by at most r scatters by r / sqrt(3)
    error = math.sqrt(pooled**2 * (1 + 1 / n) + (REPORTED_STEP / 2)**2 / 3 + rounding**2 / 3)
    p = 2 * stats.t.sf(abs(mean - reported) / error, freedom)
    half = float(stats.t.ppf(1 - ALPHA / 2, freedom)) * pooled / math.sqrt(n)
    within = abs(mean - reported) <= tolerance + rounding
    verdict: VerdictWord = PASS if within else FAIL if p < ALPHA else UNVERIFIED
    return SeveralSeeds(n, mean, spread, (mean - half, mean + half), float(p), verdict)
