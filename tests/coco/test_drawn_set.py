"""The drawn set: the same everywhere, and COCO in form."""

import hashlib
import json

import cv2

from head.coco.categories import ID_TO_NAME
from head.coco.drawn_set import draw
from head.coco.folder import check_split


def fingerprint(folder):
    digest = hashlib.sha256()
    for path in sorted(folder.rglob('*.png')):
        digest.update(cv2.imread(str(path)).tobytes())
    for path in sorted(folder.rglob('*.json')):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def test_same_pixels_and_annotations_everywhere(drawn):
    assert fingerprint(drawn) == '11238b9523b513cb23c49fd5cfe3842b8619357175ef9aded348bf4b0d40a8a3'


def test_another_seed_draws_another_set(tmp_path, drawn):
    draw(str(tmp_path), seed=1)
    assert fingerprint(tmp_path) != fingerprint(drawn)


def test_it_is_a_coco_folder_with_crowd_and_empty_images(drawn):
    for split, images in (('train2017', 16), ('val2017', 8)):
        ann_file = drawn / f'annotations/instances_{split}.json'
        checked = check_split(str(ann_file), str(drawn / split))
        assert checked.images == images and not checked.is_val2017
        content = json.loads(ann_file.read_text())
        assert {one['id']: one['name'] for one in content['categories']} == ID_TO_NAME and len(ID_TO_NAME) == 80
        assert any(one['iscrowd'] for one in content['annotations'])
        assert {one['id'] for one in content['images']} - {one['image_id'] for one in content['annotations']}
        sizes = {one['id']: (one['height'], one['width']) for one in content['images']}
        for one in content['annotations']:
            x, y, w, h = one['bbox']
            height, width = sizes[one['image_id']]
            assert 0 <= x and 0 <= y and x + w <= width and y + h <= height and one['area'] == w * h
