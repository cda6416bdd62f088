"""AP of each category, best first."""

import math
from dataclasses import dataclass
from typing import Dict, List, Optional, Tuple

from ..support.printed_text import printable

COLUMN = 20


@dataclass
class CategoryAP:
    """`ap` in percent, None where there is no ground truth; `rank` from 1."""

    rank: int
    name: str
    ap: Optional[float]


def columns(per_category: Dict[str, float]) -> List[List[CategoryAP]]:
    """Categories by falling AP (those without a finite one last, then by name), in columns of `COLUMN`.

    Args:
        per_category: name -> AP, 0 to 1, or -1 where there is no ground truth.
    """
    def place(item: Tuple[str, float]) -> Tuple[int, float, str]:
        name, ap = item
        return (0, -ap, name) if 0 <= ap < math.inf else (1, 0, name)

    lines = [CategoryAP(rank, printable(name), None if ap < 0 else ap * 100)
             for rank, (name, ap) in enumerate(sorted(per_category.items(), key=place), 1)]
    return [lines[start:start + COLUMN] for start in range(0, len(lines), COLUMN)]
