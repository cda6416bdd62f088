"""Annotation files that are broken: one line that names file and place."""

import json
import shutil

import pytest

from head.coco.folder import check_split, read_annotations
from head.errors import RequestError


def ann_file(folder):
    return folder / 'annotations' / 'instances_val2017.json'


@pytest.fixture
def folder(drawn, tmp_path):
    """A copy of the drawn set's annotations."""
    shutil.copytree(str(drawn / 'annotations'), str(tmp_path / 'annotations'))
    return tmp_path


def refusal(folder):
    with pytest.raises(RequestError) as caught:
        read_annotations(str(ann_file(folder)))
    line = str(caught.value)
    assert line.startswith(f'{ann_file(folder)}: ') and line.isprintable()
    return line


def strings_as_ids(content):
    for image in content['images']:
        image['id'] = str(image['id'])
    for one in content['annotations']:
        one['image_id'] = str(one['image_id'])


@pytest.mark.parametrize('change, place', [
    (strings_as_ids, 'images[0].id'),
    (lambda content: content['images'][0].update(file_name=5), 'images[0].file_name'),
    (lambda content: content['images'][0].update(file_name='a\0b'), 'images[0].file_name'),
    (lambda content: content['images'][0].update(file_name='a\nb'), 'images[0].file_name'),
    (lambda content: content['annotations'][0].update(image_id=[1]), 'annotations[0].image_id'),
    (lambda content: content['annotations'][0].update(category_id={}), 'annotations[0].category_id'),
    (lambda content: content['annotations'][0].update(bbox=[1, 2]), 'annotations[0].bbox'),
    (lambda content: content['annotations'][0].pop('iscrowd'), 'iscrowd'),
    (lambda content: content['categories'][0].update(name=[1]), 'categories[0].name'),
    (lambda content: content.update(images=None), 'images'),
])
def test_values_of_another_kind(folder, change, place):
    content = json.loads(ann_file(folder).read_text())
    change(content)
    ann_file(folder).write_text(json.dumps(content))
    line = refusal(folder)
    assert 'not COCO instances (' in line and place in line


@pytest.mark.parametrize('raw', [b'{"info":' + b'[' * 200_000, b'', b'{"images": [', b'\xff\xfe{\0}\0',
                                 b'{"images": "\xff'],
                         ids=['deep', 'empty', 'cut', 'UTF-16', 'no text'])
def test_no_json(folder, raw):
    ann_file(folder).write_bytes(raw)
    assert 'not json, or cut off (' in refusal(folder)


def test_no_object(folder):
    ann_file(folder).write_bytes(b'[' * 200_000)
    assert 'not COCO instances (' in refusal(folder)


def test_an_annotation_of_no_image(folder):
    content = json.loads(ann_file(folder).read_text())
    content['annotations'][0]['image_id'] = 99
    ann_file(folder).write_text(json.dumps(content))
    assert 'annotations of no image or category: ' in refusal(folder)


def test_all_of_the_content_is_returned(drawn):
    split, content = read_annotations(str(ann_file(drawn)))
    assert content == json.loads(ann_file(drawn).read_text())
    assert (split.images, split.annotations) == (len(content['images']), len(content['annotations']))
    assert check_split(str(ann_file(drawn)), str(drawn / 'val2017')) == split
