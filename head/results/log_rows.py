"""Rows of a log in the order of the training, however many: of too many those that a curve needs are kept."""

import bisect
from typing import Any, Dict, Iterator, List, Optional, Tuple

import numpy as np

from ..support.thinning import thin

Row = Dict[str, Any]
"""Of a log: numbers by name, and ``mode``."""

Place = Tuple[float, float]
"""Where in the training: epoch and iteration."""

MOST_ROWS = 2**15
"""Six times what 36 epochs of COCO log."""


class LogRows:
    """Rows by their places, which only grow.

    Attributes:
        thinned: whether there were more than `MOST_ROWS`; the lowest and highest values of each stretch are left.
    """

    def __init__(self) -> None:
        self._places: List[Place] = []
        self._rows: List[Row] = []
        self.thinned = False

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Tuple[Place, Row]]:
        return zip(self._places, self._rows)

    @property
    def end(self) -> Optional[Place]:
        """The last row's place, None where there is none."""
        return self._places[-1] if self._places else None

    def last(self, place: Place) -> Row:
        """The last row if it has that place, else an empty one."""
        return self._rows[-1] if self.end == place else {}

    def add(self, place: Place, row: Row) -> None:
        """Add a row behind the others."""
        self._places.append(place)
        self._rows.append(row)
        if len(self._rows) > MOST_ROWS:
            self._thin()

    def cut(self, place: Place) -> None:
        """Forget what lies at a place or behind it."""
        begin = bisect.bisect_left(self._places, place)
        del self._places[begin:], self._rows[begin:]

    def _thin(self) -> None:
        self.thinned = True
        names = dict.fromkeys(name for row in self._rows for name in row if name != 'mode')
        # of each name and stretch a lowest, a highest and one that is not finite: a quarter of the rows at most
        buckets = max(1, MOST_ROWS // 4 // (3 * len(names)) - 1)
        kept = {place for name in names
                for place in thin(np.array([row.get(name, np.nan) for row in self._rows], float), buckets).tolist()}
        self._places = [self._places[place] for place in sorted(kept)]
        self._rows = [self._rows[place] for place in sorted(kept)]
