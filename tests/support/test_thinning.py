"""A long curve with fewer points keeps what matters."""

import numpy as np

from head.support.thinning import thin


def test_a_short_curve_stays():
    assert thin(np.arange(320.)).tolist() == list(range(320))


def test_spikes_gaps_and_ends_stay():
    values = np.sin(np.arange(100000) / 900)
    values[[12345, 77777]] = 50, -50
    values[[500, 501, 99000]] = np.nan, np.inf, -np.inf
    kept = thin(values)
    assert len(kept) <= 3 * 160 + 2
    assert {0, 12345, 77777, 500, 99000, 99999} <= set(kept.tolist())
    assert (np.diff(kept) > 0).all()


def test_nothing_finite():
    assert len(thin(np.full(5000, np.nan))) == 161
