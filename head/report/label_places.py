"""Where the labels of boxes go, so that they cover one another as little as may be."""

from typing import NamedTuple

CHARACTER, PADDING, HEIGHT = 10.0, 5.0, 24.0
"""Of a label in 18 px text, in the drawing's units: width of a character, space before and after, height."""


class Place(NamedTuple):
    """Of a label: left, top, width, height."""

    x: float
    y: float
    width: float
    height: float


def _overlap(one, other):
    across = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    down = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    return max(across, 0) * max(down, 0)


def place_labels(boxes, texts, width, height):
    """A place for each label at a corner of its box, inside the picture.

    Args:
        boxes (list): x, y, width, height.
        texts (list[str]): one a box.
        width (float): the picture's.
        height (float): the picture's.

    Returns:
        list[Place]
    """
    placed = []
    for (x, y, w, h), text in zip(boxes, texts):
        long = len(text) * CHARACTER + 2 * PADDING
        corners = [(left, top) for top in (y - HEIGHT, y, y + h - HEIGHT, y + h) for left in (x, x + w - long)]
        inside = [Place(min(max(left, 0), max(width - long, 0)), min(max(top, 0), height - HEIGHT), long, HEIGHT)
                  for left, top in corners]
        placed.append(min(inside, key=lambda place: sum(_overlap(place, other) for other in placed)))
    return placed
