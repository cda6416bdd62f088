"""Where the labels of boxes go, so that they cover one another as little as may be."""

from typing import List, NamedTuple, Optional, Sequence

CHARACTER, PADDING, HEIGHT = 10.0, 5.0, 24.0
"""Of a label in 18 px text, in the drawing's units: width of a character, space before and after, height."""
COVERED = 0.15


class LabelBox(NamedTuple):
    """Of a label: left, top, width, height."""

    x: float
    y: float
    width: float
    height: float


def _overlap(one: LabelBox, other: LabelBox) -> float:
    across = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    down = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    return max(across, 0) * max(down, 0)


def place_labels(boxes: Sequence[Sequence[float]], texts: Sequence[str], width: float,
                 height: float) -> List[Optional[LabelBox]]:
    """A place for each label at a corner of its box, inside the picture; the first ones choose first.

    Args:
        boxes: x, y, width, height.
        texts: one a box.
        width: the picture's.
        height: the picture's.

    Returns:
        one a box; None where the label would cover more than `COVERED` of itself in others.
    """
    placed: List[Optional[LabelBox]] = []
    for (x, y, w, h), text in zip(boxes, texts):
        long = len(text) * CHARACTER + 2 * PADDING
        corners = [(left, top) for top in (y - HEIGHT, y, y + h - HEIGHT, y + h) for left in (x, x + w - long)]
        inside = [LabelBox(min(max(left, 0), max(width - long, 0)), min(max(top, 0), height - HEIGHT), long, HEIGHT)
                  for left, top in corners]
        covered = [sum(_overlap(place, other) for other in placed if other) for place in inside]
        place = inside[covered.index(min(covered))]
        placed.append(place if min(covered) <= COVERED * place.width * place.height else None)
    return placed
