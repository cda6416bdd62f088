"""Fewer points of a long curve without losing its extremes."""

import numpy as np


def thin(values: np.ndarray, buckets: int = 160) -> np.ndarray:
    """Which points to keep: of each of `buckets` equal stretches the lowest and the highest, and both ends.

    A spike of a single point is an extreme of its stretch and stays; so does the first point of each stretch that is
    not finite, where the line is to break.

    Args:
        values: (N,) float, may hold NaN and infinities.
        buckets: more than that many pairs are never kept.

    Returns:
        (M,) int, ascending indices; all of them where N <= 2 * buckets.
    """
    if len(values) <= 2 * buckets:
        return np.arange(len(values))
    finite = np.isfinite(values)
    kept = {0, len(values) - 1}
    for part in np.array_split(np.arange(len(values)), buckets):
        good, bad = part[finite[part]], part[~finite[part]]
        if len(good):
            kept |= {good[values[good].argmin()], good[values[good].argmax()]}
        if len(bad):
            kept.add(bad[0])
    return np.array(sorted(kept))
