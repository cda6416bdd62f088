"""AP of each category, best first."""

from dataclasses import dataclass
from typing import List, Optional

COLUMN = 20


@dataclass
class CategoryAP:
    """`ap` in percent, None where there is no ground truth; `rank` from 1."""

    rank: int
    name: str
    ap: Optional[float]


def columns(per_category) -> List[List[CategoryAP]]:
    """Categories by falling AP (those without one last, then by name), in columns of `COLUMN`.

    Args:
        per_category (dict[str, float]): name -> AP, 0 to 1, or -1 where there is no ground truth.
    """
    # not >= 0: -1, and NaN of a damaged run
    place = lambda item: (not item[1] >= 0, -item[1] if item[1] >= 0 else 0, item[0])
    lines = [CategoryAP(rank, name, ap * 100 if ap >= 0 else None)
             for rank, (name, ap) in enumerate(sorted(per_category.items(), key=place), 1)]
    return [lines[start:start + COLUMN] for start in range(0, len(lines), COLUMN)]
