"""Data with the faults of public reports, given to each command."""

import importlib.util
import json
import shutil

import pytest

from head.coco.folder import check_split, read_split
from head.results.coco_metrics import coco_scores


@pytest.fixture(scope='module')
def faults(shared, made_once):
    """Folders of three images a split, each with one fault."""
    def make(out):
        spec = importlib.util.spec_from_file_location('make', shared / 'faults/make.py')
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        out.mkdir()
        module.make(out)

    return made_once('faults', make)


def check(folder, split='val2017'):
    return check_split(str(folder / f'annotations/instances_{split}.json'), str(folder / split))


@pytest.mark.parametrize('command', [
    ['train', 'config=retinanet_r18', 'pretrained=none', 'device=cpu'],
    ['train', 'config=retinanet_r18', 'pretrained=none', 'device=cpu', 'procs=2'],
    ['eval', 'config=retinanet_r18', 'checkpoint={weights}', 'device=cpu'],
    ['smoke'],
    ['fetch', 'tiny', 'images=2', 'out={out}'],
], ids=' '.join)
def test_images_that_are_cut_off(faults, drawn, refused, tmp_path, command):
    """Named, before anything is computed or left."""
    folder, out = faults / 'jpegs_cut_in_half', tmp_path / 'tiny'
    if command[0] == 'smoke':  # needs eight images
        folder = shutil.copytree(drawn, tmp_path / 'drawn')
        for path in (folder / 'train2017').iterdir():
            path.write_bytes(path.read_bytes()[:path.stat().st_size // 2])
    weights = tmp_path / 'weights.pth'
    words = [word.format(out=out, weights=weights) for word in command]
    if command[0] != 'fetch':
        words.append(f'work_dir={tmp_path / "run"}')
    line = refused(*words, f'data={folder}')
    split = 'val2017' if command[0] == 'eval' else 'train2017'
    assert f'{folder}/{split}/' in line and 'does not decode whole' in line, line
    assert not out.exists() and not list(tmp_path.glob('run/*.pth'))


@pytest.mark.parametrize('name, what', [
    ('images_of_half_size', 'pixels, the annotations say'), ('widths_of_minus_one', 'has -1 x -1 pixels there'),
    ('two_files_of_one_image_id', 'several images have the id'),
    ('a_file_name_outside', "a path outside of its folder: '../outside.jpg'"),
    ('nan_in_json', 'NaN at byte'),
])
def test_what_is_refused(faults, name, what):
    from head.errors import RequestError
    with pytest.raises(RequestError, match=what):
        check(faults / name)


@pytest.mark.parametrize('name', ["an o'clock folder", 'byte_order_mark', 'annotation_ids_from_0'])
def test_what_is_as_good_as_the_plain_set(faults, name):
    """Its images, its objects, and a detector's numbers on it: here one that finds every box but each third."""
    plain, found = check(faults / 'plain'), check(faults / name)
    assert (found.images, found.annotations, found.images_sha256) == (
        plain.images, plain.annotations, plain.images_sha256)
    objects = json.loads((faults / 'plain/annotations/instances_val2017.json').read_text())['annotations']
    detected = [dict(image_id=one['image_id'], category_id=one['category_id'], bbox=one['bbox'], score=0.5)
                for place, one in enumerate(objects) if place % 3]
    scores = [coco_scores(read_split(str(folder / 'annotations/instances_val2017.json'))[1], detected)
              for folder in (faults / 'plain', faults / name)]
    assert scores[0] == scores[1] and 0 < scores[0].metrics['AP'] < 1


def test_nothing_is_copied_from_outside(faults, refused, tmp_path):
    folder = faults / 'a_file_name_outside'
    for words in (['smoke', f'work_dir={tmp_path / "smoke"}'], ['fetch', 'tiny', f'out={tmp_path / "tiny"}']):
        assert "'../outside.jpg'" in refused(*words, f'data={folder}')
    assert not list(tmp_path.rglob('*.jpg'))
