"""Annotation files that are broken: one line that names file and place."""

import json
import shutil
from dataclasses import replace

import pytest

from head.coco.folder import check_split, read_annotations
from head.errors import RequestError
from head.support.file_hash import file_hash


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


@pytest.mark.parametrize('name', ['../outside.jpg', '/etc/passwd', 'a/../../b.jpg', '..'])
def test_a_name_outside_of_the_folder(folder, name):
    content = json.loads(ann_file(folder).read_text())
    content['images'][1]['file_name'] = name
    ann_file(folder).write_text(json.dumps(content))
    assert f'a path outside of its folder: {name!r}' in refusal(folder)


@pytest.mark.parametrize('key, what', [('images', 'images'), ('annotations', 'annotations')])
def test_an_id_twice(folder, key, what):
    content = json.loads(ann_file(folder).read_text())
    content[key][1]['id'] = content[key][0]['id']
    if key == 'images':
        number = content['images'][0]['id']
        content['annotations'] = [one for one in content['annotations'] if one['image_id'] == number]
    ann_file(folder).write_text(json.dumps(content))
    assert f'several {what} have the id {content[key][0]["id"]}; give each its own' in refusal(folder)


@pytest.mark.parametrize('size', [(-1, -1), (0, 10), (10, 0), (70000, 10)])
def test_an_image_without_a_size(folder, size):
    content = json.loads(ann_file(folder).read_text())
    content['images'][2].update(width=size[0], height=size[1])
    ann_file(folder).write_text(json.dumps(content))
    assert f'the image {content["images"][2]["file_name"]} has {size[0]} x {size[1]} pixels' in refusal(folder)


@pytest.mark.parametrize('change', [lambda categories: categories.reverse(),
                                    lambda categories: categories.append(categories[0])], ids=['order', 'twice'])
def test_categories_in_another_order(folder, change):
    content = json.loads(ann_file(folder).read_text())
    change(content['categories'])
    ann_file(folder).write_text(json.dumps(content))
    assert 'not in COCO\'s order' in refusal(folder)


@pytest.mark.parametrize('bbox', [[0, 0, 1e160, 5], [-1e308, 0, 5, 5]])
def test_boxes_of_no_image(folder, bbox):
    content = json.loads(ann_file(folder).read_text())
    content['annotations'][0]['bbox'] = bbox
    ann_file(folder).write_text(json.dumps(content))
    assert 'annotations[0].bbox' in refusal(folder)


def test_ids_that_no_array_holds(folder):
    content = json.loads(ann_file(folder).read_text())
    content['annotations'][0]['id'] = 2**70
    ann_file(folder).write_text(json.dumps(content))
    assert 'annotations[0].id' in refusal(folder)


@pytest.mark.parametrize('text', ['NaN', 'Infinity', '-Infinity'])
def test_what_json_has_no_number_for(folder, text):
    raw = ann_file(folder).read_text().replace('"area":', f'"area":{text},"was":', 1)
    ann_file(folder).write_text(raw)
    assert f'{text} at byte {raw.index(text)}, which json does not have' in refusal(folder)


def test_a_byte_order_mark(folder):
    """Is no part of the content, and of the hash."""
    plain, content = read_annotations(str(ann_file(folder)))
    ann_file(folder).write_bytes(b'\xef\xbb\xbf' + ann_file(folder).read_bytes())
    marked, same = read_annotations(str(ann_file(folder)))
    assert same == content and replace(marked, sha256='') == replace(plain, sha256='')
    assert marked.sha256 == file_hash(ann_file(folder)) != plain.sha256


def test_all_of_the_content_is_returned(drawn):
    split, content = read_annotations(str(ann_file(drawn)))
    assert content == json.loads(ann_file(drawn).read_text())
    assert (split.images, split.annotations) == (len(content['images']), len(content['annotations']))
    assert replace(check_split(str(ann_file(drawn)), str(drawn / 'val2017')), images_sha256=None) == split
