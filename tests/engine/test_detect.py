"""`detect`: the objects on a user's own images, with the numbers that `eval` finds, and whatever images those are."""

import json
import os
import shutil

import cv2
import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from pycocotools.coco import COCO

from head.catalog import find_config
from head.cli import main
from head.coco.categories import ID_TO_NAME

QUARTER_TURN = 6
"""EXIF's orientation of a photograph that must be turned clockwise to be upright."""

LABEL = 200, 40
"""Pixels that a label has at most, which is at a corner of its box; and what a JPEG changes around it."""


@pytest.fixture(scope='module')
def few(shared, made_once):
    """A COCO folder of three real images."""

    def make(folder):
        content = json.loads((shared / 'coco_tiny/annotations/instances_val2017.json').read_text())
        content['images'] = content['images'][:3]
        ids = {image['id'] for image in content['images']}
        content['annotations'] = [one for one in content['annotations'] if one['image_id'] in ids]
        for name in ('annotations', 'val2017'):
            (folder / name).mkdir(parents=True)
        for image in content['images']:
            shutil.copy(shared / 'coco_tiny/val2017' / image['file_name'], folder / 'val2017')
        (folder / 'annotations/instances_val2017.json').write_text(json.dumps(content))

    return made_once('few_real_images', make)


@pytest.fixture
def detect(head, checkpoint, tmp_path):
    """Run `detect` on images; returns what it wrote as COCO json, and what it said."""

    def run(*images, out='out', **kwargs):
        done = head('detect', 'config=head_r18', f'checkpoint={checkpoint}', 'device=cpu', f'out={tmp_path / out}',
                    *images, **kwargs)
        assert done.returncode == 0 and done.stderr == 'head: computing on the CPU\n', done.stderr
        return json.loads((tmp_path / out / 'detections.json').read_text()), done.stdout

    return run


def found(annotations):
    return sorted((one['image_id'], one['category_id'], one['score'], *one['bbox']) for one in annotations)


def test_what_eval_finds(detect, head, few, checkpoint, tmp_path):
    """The same numbers on the same images, under the ids of their names; COCO's own reader takes them."""
    content, said = detect(few / 'val2017')
    done = head('eval', 'config=head_r18', f'checkpoint={checkpoint}', 'device=cpu', f'data={few}',
                f'work_dir={tmp_path}/eval', 'data.workers_per_gpu=0')
    assert done.returncode == 0, done.stderr
    evaluated = json.loads((tmp_path / 'eval/results.bbox.json').read_text())
    assert len(evaluated) > 100 and found(content['annotations']) == found(evaluated)

    truth = COCO(str(few / 'annotations/instances_val2017.json'))
    own = COCO(str(tmp_path / 'out/detections.json'))
    for number, image in own.imgs.items():
        assert {key: truth.imgs[number][key] for key in image} == image
    assert {number: one['name'] for number, one in own.cats.items()} == ID_TO_NAME
    assert len(truth.loadRes(content['annotations']).anns) == len(evaluated)
    assert said.startswith('images: 3, ') and f'detections: {len(evaluated)};' in said


def near_a_box(near, box):
    """Set where the drawing of a box may have changed something; returns the box, rounded."""
    x, y, width, height = map(round, box)
    near[max(0, y - LABEL[1]):y + height + LABEL[1], max(0, x - LABEL[0]):x + width + LABEL[0]] = True
    return x, y, width, height


def test_the_pictures(detect, few, tmp_path):
    """They differ from the images where a sure box is, and nowhere far from all of them."""
    content, _ = detect(few / 'val2017')
    images = {image['file_name']: image for image in content['images']}
    assert {*images} == {*os.listdir(few / 'val2017')}
    assert {*images, 'detections.json'} == {*os.listdir(tmp_path / 'out')}
    for name, image in images.items():
        before, after = (cv2.imread(str(folder / name)).astype(int) for folder in (few / 'val2017', tmp_path / 'out'))
        assert before.shape == after.shape == (image['height'], image['width'], 3)
        changed = np.abs(before - after).max(2) > 60
        near = np.zeros_like(changed)
        for one in content['annotations']:
            if one['image_id'] == image['id'] and one['score'] >= 0.3:
                x, y, width, _ = near_a_box(near, one['bbox'])
                edge = changed[max(0, y - 2):y + 3, x + 2:x + width - 2]
                assert edge.any()
        assert not near.all() and not changed[~near].any()


def test_a_photograph_that_lies_on_its_side(detect, few, tmp_path):
    """As phones write them; found and drawn upright, as if it had been saved so. Its name is no number."""
    path = sorted((few / 'val2017').iterdir())[1]
    with Image.open(path) as image:
        exif = Image.Exif()
        exif[0x0112] = QUARTER_TURN
        (tmp_path / 'lying').mkdir()
        (tmp_path / 'upright').mkdir()
        image.save(tmp_path / 'lying/photo.PNG', exif=exif)
        image.transpose(Image.ROTATE_270).save(tmp_path / 'upright/photo.PNG')
        size = image.size
    lying, _ = detect(tmp_path / 'lying', out='a')
    upright, _ = detect(tmp_path / 'upright/photo.PNG', out='b')
    assert lying == upright and lying['annotations']
    assert lying['images'] == [dict(id=1, file_name='photo.PNG', width=size[1], height=size[0])]
    assert (tmp_path / 'a/photo.PNG').read_bytes() == (tmp_path / 'b/photo.PNG').read_bytes()


def test_unusual_images(detect, tmp_path):
    """Each is drawn on as the detector sees it; other files of the folder are passed over."""
    place = tmp_path / 'images'
    place.mkdir()
    picture = Image.effect_noise((90, 60), 60)
    picture.save(place / 'grey.png')
    picture.convert('RGBA').save(place / 'transparent.png')
    picture.convert('P').save(place / 'palette.png')
    picture.convert('CMYK').save(place / 'cmyk.jpeg')
    picture.resize((1, 1)).save(place / 'dot.JPG')
    Image.fromarray(np.arange(90 * 60, dtype=np.uint16).reshape(60, 90) * 12).save(place / 'deep.png')
    picture.convert('RGB').save(place / 'see-through.png', transparency=(0, 0, 0))
    said = PngInfo()
    said.add_text('XML:com.adobe.xmp', '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description '
                  'tiff:Orientation="3"/></rdf:RDF></x:xmpmeta>')  # which Pillow turns it by, and OpenCV does not
    picture.save(place / 'turned.png', pnginfo=said)
    (place / 'folder.jpg').mkdir()
    (place / 'notes.txt').write_text('no image')
    (place / '.hidden.jpg').write_text('no image')
    content, _ = detect(place)
    names = ['cmyk.jpeg', 'deep.png', 'dot.JPG', 'grey.png', 'palette.png', 'see-through.png', 'transparent.png',
             'turned.png']
    assert [image['file_name'] for image in content['images']] == names
    assert sorted(os.listdir(tmp_path / 'out')) == sorted([*names, 'detections.json'])
    for name in names:
        before, after = (cv2.imread(str(folder / name)).astype(int) for folder in (place, tmp_path / 'out'))
        near = np.zeros(before.shape[:2], bool)
        for one in content['annotations']:
            if content['images'][one['image_id'] - 1]['file_name'] == name and one['score'] >= 0.3:
                near_a_box(near, one['bbox'])
        far = np.abs(before - after).max(2)[~near]
        assert not (far > 60).any() and 'A' not in Image.open(tmp_path / 'out' / name).getbands()
        assert not {'transparency', 'exif'} & {*Image.open(tmp_path / 'out' / name).info}


def bad_images(place):
    """(words, what is said of them), of every kind."""
    whole = place / 'whole.jpg'
    Image.effect_noise((90, 60), 60).save(whole)
    content = whole.read_bytes()
    (place / 'cut.jpg').write_bytes(content[:len(content) // 2])
    (place / 'empty.png').touch()
    (place / 'page.png').write_text('<html>404</html>')
    Image.new('RGB', (9, 9)).save(place / 'moving.gif')
    Image.new('1', (10000, 9000)).save(place / 'huge.png')
    os.mkfifo(place / 'pipe.jpg')
    (place / 'other').mkdir()
    (place / 'bad').mkdir()
    shutil.copy(whole, place / 'other')
    shutil.copy(whole, place / 'bad')
    shutil.copy(place / 'cut.jpg', place / 'bad')
    (place / 'none').mkdir()
    shutil.copy(whole, place / 'detections.json')
    Image.new('L', (20000, 1)).save(place / 'line.png')
    for name in ('broken', 'latin'):
        (place / name).mkdir()
    (place / 'broken/link.jpg').symlink_to('nowhere')
    shutil.copy(whole, os.path.join(os.fsencode(place), b'latin/caf\xe9.jpg'))
    yield (), 'detect needs images'
    yield ('absent.jpg', ), 'absent.jpg: no such image or folder'
    yield ('cut.jpg', ), 'cut.jpg: it does not decode'
    yield ('whole.jpg', 'bad'), 'bad/cut.jpg: it does not decode'
    yield ('empty.png', ), 'empty.png: it is empty'
    yield ('page.png', ), 'page.png: it is neither a JPEG nor a PNG'
    yield ('moving.gif', ), 'moving.gif: it is neither a JPEG nor a PNG'
    yield ('huge.png', ), 'huge.png: it has more than 50 million pixels'
    yield ('pipe.jpg', ), 'pipe.jpg: it is no regular file'
    yield ('none', ), 'none: no image (.jpg, .jpeg, .png) in this folder'
    yield ('whole.jpg', 'other'), 'whole.jpg: has the name of other/whole.jpg'
    yield ('whole.jpg', 'whole.jpg'), 'whole.jpg: is given twice'
    yield ('whole.jpg/', ), 'whole.jpg/: no such image or folder'
    yield ('broken', ), 'broken/link.jpg: no such image or folder; name one that is there'
    yield ('detections.json', ), 'detections.json: its picture would have the name of detections.json'
    yield ('latin', ), 'caf\\udce9.jpg: its name is not UTF-8; rename it'
    yield ('line.png', ), 'data.test.pipeline: line.png does not go through'


def test_bad_images(refused, checkpoint, tmp_path):
    """One line, and nothing is written."""
    for words, said in bad_images(tmp_path):
        line = refused('detect', 'config=head_r18', f'checkpoint={checkpoint}', 'device=cpu', 'out=out', *words,
                       cwd=tmp_path)
        assert said in line and not (tmp_path / 'out').exists()


@pytest.mark.parametrize('name', ['a.png', 'detections.json'])
def test_what_is_there_stays(refused, checkpoint, tmp_path, name):
    (tmp_path / 'out').mkdir()
    (tmp_path / 'out' / name).write_text('mine')
    Image.new('RGB', (64, 64)).save(tmp_path / 'a.png')
    line = refused('detect', 'config=head_r18', f'checkpoint={checkpoint}', 'device=cpu', f'out={tmp_path}/out',
                   tmp_path / 'a.png')
    assert f'out/{name}: there already' in line
    assert os.listdir(tmp_path / 'out') == [name] and (tmp_path / 'out' / name).read_text() == 'mine'


@pytest.mark.parametrize('words, said', [
    (('config=assist_r18', ), 'not a checkpoint of'),
    (('config=head_r18', 'checkpoint=none.pth'), 'none.pth: no such file'),
    (('config=head_r18', 'out=a.png'), 'a.png is no folder')])
def test_other_wrong_requests(refused, checkpoint, tmp_path, words, said):
    Image.new('RGB', (64, 64)).save(tmp_path / 'a.png')
    keys = {word.partition('=')[0]: word for word in [f'checkpoint={checkpoint}', 'out=out', *words]}
    assert said in refused('detect', 'device=cpu', *keys.values(), 'a.png', cwd=tmp_path)
    assert not (tmp_path / 'out').exists()


def test_a_later_image_that_does_not_go_through(refused, head, checkpoint, tmp_path):
    """In a worker, which ends with the command; no picture of the others is left."""
    Image.new('L', (90, 60)).save(tmp_path / 'a.png')
    Image.new('L', (20000, 1)).save(tmp_path / 'b.png')
    done = head('detect', 'config=head_r18', f'checkpoint={checkpoint}', 'device=cpu', 'out=out', 'a.png', 'b.png',
                cwd=tmp_path, timeout=120)
    assert done.returncode == 2 and 'b.png does not go through' in done.stderr.splitlines()[-1]
    assert 'Traceback' not in done.stderr and not os.listdir(tmp_path / 'out')


@pytest.mark.parametrize('change, said', [
    ("data = dict(test=dict(type='VOCDataset'))", 'all of COCO\'s 80 classes'),
    ("data = dict(test=dict(classes=('person', 'car')))", 'all of COCO\'s 80 classes'),
    ("data = dict(test=dict(type='Nowhere'))", 'there is no data set Nowhere'),
    ("data = dict(test=dict(type='CustomDataset'))", 'all of COCO\'s 80 classes')])
def test_configs_of_other_classes(refused, checkpoint, tmp_path, change, said):
    (tmp_path / 'own.py').write_text(f"_base_ = '{find_config('head_r18')[0]}'\n{change}\n")
    Image.new('RGB', (64, 64)).save(tmp_path / 'a.png')
    line = refused('detect', f'config={tmp_path}/own.py', f'checkpoint={checkpoint}', 'device=cpu', 'out=out', 'a.png',
                   cwd=tmp_path)
    assert said in line and not (tmp_path / 'out').exists()


def test_an_interruption_leaves_no_picture(checkpoint, tmp_path, monkeypatch):
    """So that the same command can be given again."""
    from head.commands import detect as command
    for name in 'ab':
        Image.new('RGB', (64, 64)).save(tmp_path / f'{name}.png')
    drawn = []

    def interrupted(path, *rest):
        if drawn:
            raise KeyboardInterrupt
        drawn.append(path)
        return b'a picture'

    monkeypatch.setattr(command, 'draw_detections', interrupted)
    words = ['config=head_r18', f'checkpoint={checkpoint}', 'device=cpu', f'out={tmp_path}/out', str(tmp_path)]
    assert main(['detect', *words]) == 75 and drawn and not os.listdir(tmp_path / 'out')
