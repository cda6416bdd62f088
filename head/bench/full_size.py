"""An annotation file of the size of COCO train2017's, with made-up content."""

import json

import numpy as np

from ..coco.categories import ID_TO_NAME, IDS

IMAGES, OBJECTS = 118287, 860001
CORNERS = 48
"""Numbers of an object's polygon: with them the file has 450 MB, as COCO's."""


def write(path: str, images: int = IMAGES, objects: int = OBJECTS) -> None:
    """Write instances of so many images and objects, the same each time."""
    rng = np.random.RandomState(0)
    sizes = rng.randint(320, 641, (images, 2)).tolist()
    owners = rng.randint(0, images, objects)
    categories = np.array(IDS)[rng.randint(0, len(IDS), objects)].tolist()
    boxes = np.round(rng.uniform(0, 300, (objects, 4)), 2).tolist()
    polygons = [json.dumps([np.round(rng.uniform(100, 300, CORNERS), 2).tolist()]) for _ in range(100)]
    with open(path, 'w', encoding='utf-8') as file:
        file.write('{"images": [')
        file.write(', '.join(
            f'{{"license": 3, "file_name": "{number + 1:012}.jpg", "coco_url": "http://images.cocodataset.org/train2017'
            f'/{number + 1:012}.jpg", "height": {height}, "width": {width}, "id": {number + 1}}}'
            for number, (height, width) in enumerate(sizes)))
        file.write('], "annotations": [')
        for number, (owner, category, box) in enumerate(zip(owners.tolist(), categories, boxes)):
            file.write(f'{", " if number else ""}{{"segmentation": {polygons[number % 100]}, "area": '
                       f'{box[2] * box[3] / 2 + 1:.2f}, "iscrowd": {int(number % 100 == 0)}, "image_id": {owner + 1}, '
                       f'"bbox": {box}, "category_id": {category}, "id": {number + 1}}}')
        names = [dict(id=number, name=name) for number, name in ID_TO_NAME.items()]
        file.write(f'], "categories": {json.dumps(names)}}}')
