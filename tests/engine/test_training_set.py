"""The training set on arrays is mmdet's, and the order of its images a function of seed and epoch."""

import json

import numpy as np
import pytest
from mmdet.datasets import CocoDataset

from head.coco import annotations, folder
from head.engine.data_sets import data_sets_inside
from head.engine.randomness import SeededDataset
from head.engine.training_order import MicroBatches, Place, epoch_order
from head.engine.training_set import CocoArrays, build_test_set


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache."""
    monkeypatch.setenv('HEAD_CACHE', str(tmp_path / 'cache'))
    folder._read_split.cache_clear()
    return tmp_path / 'cache/annotations'


def odd_cases(path):
    """Everything that mmdet leaves out of a training set, one way each."""
    whole = dict(image_id=1, category_id=18, bbox=[10, 10, 50, 40], area=900, iscrowd=0)
    changes = [
        {}, dict(iscrowd=1), dict(ignore=1), dict(area=0), dict(bbox=[10, 10, 0.5, 40]), dict(bbox=[10, 10, 40, 0.9]),
        dict(bbox=[-20, 10, 20, 20]), dict(bbox=[-20, 10, 30.5, 20]), dict(bbox=[95, 70, 50, 50]),
        dict(bbox=[100, 10, 20, 20]), dict(image_id=2), dict(image_id=3), dict(image_id=4, iscrowd=1),
        dict(category_id=90), dict(image_id=2, category_id=1)]
    sizes = {1: (100, 80), 2: (80, 100), 3: (100, 31), 4: (64, 64), 5: (90, 90)}
    content = dict(
        images=[dict(id=number, file_name=f'{number}.jpg', width=w, height=h) for number, (w, h) in sizes.items()],
        annotations=[dict(whole, **change, id=number) for number, change in enumerate(changes, 1)],
        categories=[dict(id=number, name=name) for number, name in folder.ID_TO_NAME.items()])
    path.write_text(json.dumps(content))
    return str(path)


def assert_same(ann_file):
    stock, ours = (kind(ann_file=ann_file, pipeline=[]) for kind in (CocoDataset, CocoArrays))
    assert len(stock) == len(ours) > 0 and stock.flag.tolist() == ours.flag.tolist()
    for index in range(len(stock)):
        for key in ('id', 'filename', 'width', 'height'):
            assert stock.data_infos[index][key] == ours.data_infos[index][key]
        one, two = stock.get_ann_info(index), ours.get_ann_info(index)
        for key in ('bboxes', 'labels', 'bboxes_ignore'):
            assert one[key].dtype == two[key].dtype and one[key].shape == two[key].shape
            assert np.array_equal(one[key], two[key]), (index, key)
        assert stock.get_cat_ids(index) == ours.get_cat_ids(index)


def test_it_is_mmdets(cache, tmp_path, shared):
    """Freshly parsed, and from the cache; odd cases and real COCO."""
    (tmp_path / 'annotations').mkdir()
    for ann_file in (odd_cases(tmp_path / 'annotations/odd.json'),
                     str(shared / 'coco_tiny/annotations/instances_train2017.json')):
        for _ in range(2):
            folder._read_split.cache_clear()
            assert_same(ann_file)
    assert {path.name.split('-')[0] for path in cache.iterdir()} == {
        folder.read_split(str(one))[0].sha256
        for one in (tmp_path / 'annotations/odd.json', shared / 'coco_tiny/annotations/instances_train2017.json')}


@pytest.mark.parametrize('wrapped', [
    lambda own: own, lambda own: [own, own], lambda own: dict(type='RepeatDataset', times=1, dataset=own),
    lambda own: dict(type='ConcatDataset', datasets=[own, own])], ids=['plain', 'list', 'repeated', 'joined'])
def test_an_evaluation_has_all_images_whatever_the_config_says(cache, tmp_path, wrapped):
    (tmp_path / 'annotations').mkdir()
    ann_file = odd_cases(tmp_path / 'annotations/odd.json')
    data_set = build_test_set(wrapped(dict(type='CocoDataset', ann_file=ann_file, img_prefix='', pipeline=[],
                                           test_mode=False)))
    inner = list(data_sets_inside(data_set))
    assert all(type(one) is CocoArrays and one.test_mode and len(one) == 5 for one in inner) and inner


def test_an_evaluation_has_all_images(cache, tmp_path):
    """Those without objects and the small ones too, in mmdet's order and with mmdet's ids."""
    (tmp_path / 'annotations').mkdir()
    ann_file = odd_cases(tmp_path / 'annotations/odd.json')
    stock, ours = (kind(ann_file=ann_file, pipeline=[], test_mode=True) for kind in (CocoDataset, CocoArrays))
    assert [one['filename'] for one in stock.data_infos] == [one['filename'] for one in ours.data_infos]
    assert (stock.img_ids, stock.cat_ids) == (ours.img_ids, ours.cat_ids) and len(ours) == 5
    results = [[np.ones((index, 5), np.float32)] * 80 for index in range(5)]
    assert stock._det2json(results) == ours._det2json(results)


def everything(found):
    return [getattr(found, part).tobytes() for part in ('images', 'names', 'objects')]


def test_the_cache_goes_by_content(cache, tmp_path):
    """Other bytes are parsed again, and nothing half-written is left."""
    (tmp_path / 'annotations').mkdir()
    path = tmp_path / 'annotations/odd.json'
    ann_file = odd_cases(path)
    split, found = folder.read_split(ann_file)
    kept = sorted(cache.iterdir())
    assert all(one.name.startswith(split.sha256) for one in kept)
    again = annotations.cached(split.sha256)
    assert everything(again) == everything(found) and isinstance(again.objects.base, np.memmap)
    path.write_text(path.read_text().replace('"area": 900', '"area": 901'))
    assert folder.read_split(ann_file)[0].sha256 != split.sha256
    assert len(list(cache.iterdir())) == 2 * len(kept)
    path.write_text(path.read_text()[:-10])
    with pytest.raises(folder.RequestError, match='cut off'):
        folder.read_split(ann_file)


def test_nothing_in_the_cache_is_believed_unseen(cache, tmp_path, chance):
    """A bit that is not as it was written, rows that are missing, other files' arrays: all of it is a miss."""
    (tmp_path / 'annotations').mkdir()
    ann_file = odd_cases(tmp_path / 'annotations/odd.json')
    split, found = folder.read_split(ann_file)
    other = tmp_path / 'annotations/other.json'
    other.write_text((tmp_path / 'annotations/odd.json').read_text().replace('"area": 900', '"area": 901'))
    of_other = folder.read_split(str(other))[0].sha256
    for kept in sorted(cache.glob(f'{split.sha256}*')):
        whole = kept.read_bytes()
        flipped = bytearray(whole)
        flipped[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        beside = (cache / kept.name.replace(split.sha256, of_other)).read_bytes()
        row = annotations.OBJECTS.itemsize
        for content in (bytes(flipped), whole[:-row], whole + bytes(row), whole[:10], b'', beside):
            kept.write_bytes(content)
            assert annotations.cached(split.sha256) is None, (kept.name, len(content))
            folder._read_split.cache_clear()
            assert everything(folder.read_split(ann_file)[1]) == everything(found)
            assert kept.read_bytes() == whole, 'mended'


def test_without_a_place_for_the_cache(tmp_path, monkeypatch):
    (tmp_path / 'file').write_text('')
    monkeypatch.setenv('HEAD_CACHE', str(tmp_path / 'file'))
    folder._read_split.cache_clear()
    (tmp_path / 'annotations').mkdir()
    assert_same(odd_cases(tmp_path / 'annotations/odd.json'))


FLAGS = np.array([0] * 13 + [1] * 24)


@pytest.mark.parametrize('micro_batches', [1, 2, 8])
def test_an_epoch_has_every_image(micro_batches):
    """Micro-batches of one shape, full steps, and no more images twice than it takes to fill them."""
    order = epoch_order(FLAGS, 2, micro_batches, 3407, 0)
    assert len(order) % micro_batches == 0 and set(order.ravel()) == set(range(len(FLAGS)))
    assert all(len(set(FLAGS[row])) == 1 for row in order)
    assert order.size <= len(FLAGS) + 1 + 2 * (micro_batches - 1)
    assert not np.array_equal(order, epoch_order(FLAGS, 2, micro_batches, 3407, 1))
    assert not np.array_equal(order, epoch_order(FLAGS, 2, micro_batches, 3408, 0))


def test_coco_has_the_published_steps():
    """58640 iterations to the first drop of the learning rate after 8 epochs, of 117266 images at 8 x 2."""
    flags = (np.arange(117266) % 4 > 0).astype(int)
    assert len(epoch_order(flags, 2, 8, 3407, 0)) // 8 * 8 == 58640


def images_of_steps(processes, accumulate, start=0):
    """For every step the micro-batches, as sets of images, of all processes."""
    steps = {}
    for rank in range(processes):
        order = MicroBatches(FLAGS, 2, 3407, accumulate, rank, processes)
        order.begin(3, start)
        batches = list(order)
        assert len(batches) == len(order)
        for number, batch in enumerate(batches):
            step = start + number // accumulate
            steps.setdefault(step, []).append(tuple(batch))
            numbers = [place.number // 2 for place in batch]
            assert set(numbers) == {order.number(step, number % accumulate)}
    return {step: sorted(batches) for step, batches in steps.items()}


def test_steps_do_not_depend_on_how_they_are_spread():
    whole = images_of_steps(1, 4)
    assert whole == images_of_steps(2, 2) == images_of_steps(4, 1)
    assert images_of_steps(2, 2, start=2) == {step: batches for step, batches in whole.items() if step >= 2}


def test_augmentation_goes_by_place():
    """And leaves the generators of the process as they were."""

    class Drawing:

        def __getitem__(self, index):
            return index, np.random.rand(), np.random.randint(10**6)

    dataset = SeededDataset(Drawing(), 5)
    np.random.seed(1)
    first = dataset[Place(0, 7, 3)]
    after = np.random.rand()
    np.random.seed(1)
    assert np.random.rand() == after
    assert dataset[Place(0, 7, 3)] == first
    others = [dataset[Place(0, 8, 3)], dataset[Place(1, 7, 3)], SeededDataset(Drawing(), 6)[Place(0, 7, 3)]]
    assert len({first[1:], *(one[1:] for one in others)}) == 4


def test_the_benchmarks_annotations(cache, tmp_path):
    """Small ones of the same making are read alike by both."""
    from head.bench import full_size, training_set_seconds
    (tmp_path / 'annotations').mkdir()
    path = str(tmp_path / 'annotations/instances_train2017.json')
    full_size.write(path, images=50, objects=300)
    assert_same(path)
    assert training_set_seconds.seconds('stock', path) > 0 and training_set_seconds.seconds('ours', path) > 0
