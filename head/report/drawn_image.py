"""A user's own image with the detections drawn on it. Light: no torch."""

import colorsys
import io
import os
from typing import Any, Dict, Sequence, Tuple

import cv2
from matplotlib import get_data_path
from PIL import Image, ImageDraw, ImageFont

from ..coco.image_file import PNG
from .label_places import HEIGHT, PADDING, place_labels
from .pictures import SCORE

SHORT_SIDE = 720
"""Pixels; on larger images lines and letters grow with them, so that they can be read when all of it is seen."""

LINE, TEXT = 2, 18
"""Width of a line at least, and size of letters in the units of `place_labels`; both grow."""

FONT = os.path.join('fonts', 'ttf', 'DejaVuSans.ttf')
"""Of matplotlib."""

GOLDEN = 0.618
"""Of a turn, from one category's hue to the next one's: neighbours differ, however many there are."""


def _colour(category: int) -> Tuple[int, int, int]:
    red, green, blue = colorsys.hsv_to_rgb(category * GOLDEN % 1, 0.6, 1)
    return round(red * 255), round(green * 255), round(blue * 255)


def draw_detections(path: str, detections: Sequence[Dict[str, Any]], names: Dict[int, str]) -> bytes:
    """The file of the image, as the data pipeline decodes it, with boxes, names and scores from `SCORE` on.

    Args:
        path: of a JPEG or PNG that was found whole; the result is of the same kind.
        detections: ``category_id``, ``bbox`` (x y w h in pixels) and ``score`` of each.
        names: of categories, by id.
    """
    with open(path, 'rb') as file:
        kind = 'PNG' if file.read(len(PNG)) == PNG else 'JPEG'
    image = Image.fromarray(cv2.imread(path)[..., ::-1])
    unit = max(0.7, min(image.size) / SHORT_SIDE)
    shown = sorted((one for one in detections if one['score'] >= SCORE), key=lambda one: -one['score'])
    texts = [f'{names[one["category_id"]]} {one["score"]:.2f}' for one in shown]
    labels = place_labels([[side / unit for side in one['bbox']] for one in shown], texts,
                          *(side / unit for side in image.size))
    canvas = ImageDraw.Draw(image)
    for one in reversed(shown):
        x, y, width, height = one['bbox']
        canvas.rectangle((x, y, x + width, y + height), outline=_colour(one['category_id']),
                         width=max(LINE, round(LINE * unit)))
    font = ImageFont.truetype(os.path.join(get_data_path(), FONT), round(TEXT * unit))
    for one, text, place in zip(shown, texts, labels):
        if place:
            left, top, wide, high = (side * unit for side in place)
            text_width = canvas.textlength(text, font)
            canvas.rectangle((left, top, left + min(wide, text_width + 2 * PADDING * unit), top + high),
                             fill=_colour(one['category_id']))
            canvas.text((left + PADDING * unit, top + HEIGHT * unit / 2), text, 'black', font, anchor='lm')
    drawn = io.BytesIO()
    image.save(drawn, kind, **(dict(quality=95) if kind == 'JPEG' else {}))
    return drawn.getvalue()
