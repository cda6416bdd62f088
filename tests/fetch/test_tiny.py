"""`fetch tiny`, and the rule by which its images are chosen."""

import json
import os

import pytest
from hypothesis import strategies as st

from head.coco.folder import check_split
from head.coco.subset import choose

from .conftest import disk, hidden_path, wait_until
from .test_coco import contents

IMAGES = 'http://images.cocodataset.org'


@pytest.fixture
def out(tmp_path):
    """Where the subset goes by default."""
    return tmp_path / 'data' / 'coco_tiny'


@pytest.fixture
def single(internet, coco, drawn):
    """Every image of the drawn set at its own address; returns name -> `stand_in.File`."""
    return {path.name: internet.put(f'{IMAGES}/{split}/{path.name}', path.read_bytes())
            for split in ('train2017', 'val2017') for path in (drawn / split).iterdir()}


def check(out, number):
    """The subset is a COCO folder with that many images, and nothing else is in it."""
    for split in ('train2017', 'val2017'):
        found = check_split(str(out / 'annotations' / f'instances_{split}.json'), str(out / split))
        assert found.images == len(list((out / split).iterdir())) == number
    assert not hidden_path(out.parent)


def test_cut_from_a_folder(fetch, drawn, out):
    fetch('tiny', f'data={drawn}', 'images=5')
    check(out, 5)
    whole = contents(drawn)
    assert all(whole[name] == body for name, body in contents(out).items() if name.endswith('.png'))
    again = fetch('tiny', f'data={drawn}', 'images=5')
    assert 'is there' in again
    assert 'not this subset' in fetch('tiny', f'data={drawn}', 'images=4', status=2)
    (out / 'annotations' / 'instances_val2017.json').write_text('{')
    assert 'not json, or cut off' in fetch('tiny', f'data={drawn}', 'images=5', status=2)


@pytest.mark.parametrize('make', [
    os.mkfifo, lambda path: path.write_text('mine'), lambda path: path.symlink_to('none')
], ids=['pipe', 'file', 'link to nowhere'])
@pytest.mark.parametrize('below', ['', '/new'], ids=['itself', 'above'])
def test_something_else_in_the_place_of_the_folder(fetch, drawn, tmp_path, make, below):
    """Refused before anything is made: no lock, no half of a copy."""
    place = tmp_path / 'taken' / 'out'
    place.parent.mkdir()
    make(place)
    line = fetch('tiny', f'data={drawn}', 'images=2', f'out={place}{below}', status=2)
    assert f'out={place}{below}: {place} is no folder' in line and os.listdir(place.parent) == ['out'], line


def test_of_one_split(fetch, drawn, tmp_path):
    folder = tmp_path / 'half'
    folder.mkdir()
    (folder / 'annotations').symlink_to(drawn / 'annotations')
    (folder / 'val2017').symlink_to(drawn / 'val2017')
    fetch('tiny', f'data={folder}', f'out={tmp_path}/less', 'images=3')
    assert sorted(path.name for path in (tmp_path / 'less').iterdir()) == ['annotations', 'val2017']


def test_image_by_image(fetch, coco, single, internet, out, tmp_path, drawn):
    for file in single.values():
        file.pace = 0.1
    fetch('tiny', 'images=6')
    check(out, 6)
    fetch('tiny', f'data={drawn}', 'images=6', f'out={tmp_path}/cut')
    assert contents(out) == contents(tmp_path / 'cut')
    assert internet.most_open > 1 and sum(len(file.asked) for file in single.values()) == 12
    assert not coco['train2017'].asked and (tmp_path / 'data/coco/annotations').is_dir()


@pytest.mark.parametrize('wrong, hint', [
    (lambda file, other: setattr(file, 'body', file.body[:200]), 'does not decode'),
    (lambda file, other: setattr(file, 'body', other.body), 'pixels, the annotations say'),
])
def test_images_that_are_not(fetch, single, out, wrong, hint):
    names = sorted(single)
    wrong(single[names[0]], single[names[1]])
    line = fetch('tiny', status=3)
    assert hint in line and names[0] in line and not out.exists()


def test_interrupted_and_resumed(fetch, single, out):
    last = single['000000001007.png']
    last.pace = 30
    process = fetch.start('tiny')
    wait_until(lambda: last.given, process)
    process.kill()
    process.communicate()
    last.pace = 0
    fetch('tiny')
    assert sum(len(file.asked) for file in single.values()) <= len(single) + 8


def test_two_at_once(fetch, single, out):
    for file in single.values():
        file.pace = 0.05
    processes = [fetch.start('tiny', 'images=4') for _ in range(2)]
    printed = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], printed
    check(out, 4)
    assert sum(len(file.asked) for file in single.values()) == 8


def test_no_room(fetch, drawn, out):
    assert 'has 0.00 GB free' in fetch('tiny', f'data={drawn}', before=disk(1000), status=3)
    assert not out.exists()


def test_room_for_what_is_chosen(fetch, drawn, out):
    fetch('tiny', f'data={drawn}', 'images=5000000', before=disk(20_000_000))
    assert out.is_dir()


def test_in_an_image_it_goes_where_that_can_write(fetch, drawn, tmp_path):
    fetch('tiny', f'data={drawn}', 'images=2', before='import os; os.environ["HEAD_IMAGE"] = "paper-cpu"')
    assert (tmp_path / 'work_dirs/coco_tiny/val2017').is_dir() and not (tmp_path / 'data').exists()


def test_no_folder_of_coco(fetch, tmp_path):
    (tmp_path / 'val2017').mkdir()
    (tmp_path / 'val2017' / 'one.jpg').write_bytes(b'')
    assert 'no such file' in fetch('tiny', f'data={tmp_path}', status=2)


def test_a_name_that_leaves_the_folder(fetch, drawn, tmp_path):
    folder = tmp_path / 'trick'
    (folder / 'annotations').mkdir(parents=True)
    (folder / 'val2017').symlink_to(drawn / 'val2017')
    content = json.loads((drawn / 'annotations' / 'instances_val2017.json').read_text())
    content['images'][0]['file_name'] = '../val2017/' + content['images'][0]['file_name']
    (folder / 'annotations' / 'instances_val2017.json').write_text(json.dumps(content))
    assert 'outside of its folder' in fetch('tiny', f'data={folder}', status=2)


def content_of(objects):
    """COCO content of (image, category, iscrowd)."""
    return dict(
        images=[dict(id=image) for image in {one[0] for one in objects}],
        annotations=[dict(image_id=image, category_id=category, iscrowd=crowd) for image, category, crowd in objects])


def test_the_rule():
    content = content_of([(5, 1, 0), (2, 2, 0), (2, 3, 0), (9, 2, 0), (9, 3, 0), (7, 1, 0), (7, 4, 1), (1, 3, 0)])
    assert choose(content, 1) == [2] and choose(content, 2) == [2, 5] and choose(content, 3) == [1, 2, 5]
    assert choose(content, 99) == [1, 2, 5, 7, 9] and choose(content_of([]), 3) == []


def test_the_rule_covers_and_does_not_depend_on_the_order(fuzz):

    @fuzz(st.lists(st.tuples(st.integers(1, 12), st.integers(1, 6), st.booleans())), st.integers(1, 14), st.randoms())
    def covers(objects, number, random):
        chosen = choose(content_of(objects), number)
        shuffled = list(objects)
        random.shuffle(shuffled)
        assert choose(content_of(shuffled), number) == chosen
        shown = {image for image, _, crowd in objects if not crowd}
        assert len(chosen) == len(set(chosen)) == min(number, len(shown)) and set(chosen) <= shown
        categories = {category for _, category, crowd in objects if not crowd}
        if number >= len(categories):
            assert {category for image, category, crowd in objects if image in chosen and not crowd} == categories
