"""The rule for several seeds, by simulation: how often it accuses a true reproduction, how often a bad one passes."""

import numpy as np
import pytest

from head.judging.seeds import ALPHA, PRIOR_SPREAD, judge_together

REPORTED, TOLERANCE, DRAWS = 36.1, 0.3, 2000


def rates(n, spread, gap=0.0, decimals=3):
    """Shares of pass, unverified and fail among simulated reproductions whose mean is `gap` below the authors'."""
    rng = np.random.RandomState(n)
    found = dict.fromkeys(('pass', 'unverified', 'fail'), 0)
    for _ in range(DRAWS):
        reported = round(REPORTED + rng.normal(0, spread), 1)
        measured = [round(value, decimals) for value in rng.normal(REPORTED - gap, spread, n)]
        rounding = 0.05 if decimals == 1 else 0.0
        found[judge_together(measured, reported, TOLERANCE, rounding).verdict] += 1 / DRAWS
    return found


@pytest.mark.parametrize('n', [2, 3, 5, 10])
@pytest.mark.parametrize('spread', [0.05, 0.1, PRIOR_SPREAD])
def test_false_alarms(n, spread):
    """A true reproduction is called failed in no more than four of a hundred cases."""
    assert rates(n, spread)['fail'] <= 0.045


@pytest.mark.parametrize('n', [2, 3, 5])
def test_false_alarms_of_trainings_that_scatter_more(n):
    """Half as much again as is assumed: one in nine."""
    assert rates(n, 1.5 * PRIOR_SPREAD)['fail'] <= 0.125


def test_false_alarms_of_rounded_logs():
    assert rates(3, PRIOR_SPREAD, decimals=1)['fail'] <= ALPHA + 0.01


@pytest.mark.parametrize('n', [2, 3, 5])
def test_a_training_one_point_short_does_not_pass(n):
    found = rates(n, PRIOR_SPREAD, gap=1.0)
    assert found['pass'] <= 0.01 and found['fail'] >= 0.9


def test_mean_spread_and_interval_are_what_they_are_called():
    found = judge_together([36.0, 36.2, 36.4], 36.1, TOLERANCE)
    assert found.n == 3 and found.mean == pytest.approx(36.2) and found.spread == pytest.approx(0.2)
    assert found.interval[0] < 36.0 < 36.4 < found.interval[1]
    assert found.verdict == 'pass' and 0.5 < found.p < 1


def test_the_interval_covers_the_mean():
    rng = np.random.RandomState(0)
    covered = 0
    for _ in range(DRAWS):
        low, high = judge_together(list(rng.normal(36, PRIOR_SPREAD, 3)), 36.1, TOLERANCE).interval
        covered += low <= 36 <= high
    assert 0.94 < covered / DRAWS < 0.99  # more than 0.95, since the assumed spread is right here
