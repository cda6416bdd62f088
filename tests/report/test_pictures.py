"""Which images are shown, and where labels go."""

import os

import pytest

from head.errors import EnvironmentFault
from head.report.ground_truth import BYTES_READ, Box, Category, Truth, TruthImage, read_truth
from head.report.label_places import place_labels
from head.report.pictures import _ranked
from head.support import available_memory


def test_the_most_informative_images_come_first():
    boxes = {1: [1] * 5, 2: [1, 2, 3], 3: [1, 2, 3, 3], 4: list(range(1, 10)), 5: [], 6: [1, 2, 3]}
    truth = Truth([TruthImage(number, 'x.jpg', 10, 10) for number in (6, 5, 4, 3, 2, 1)],
                  [Box(number, category, (0, 0, 1, 1)) for number, inside in boxes.items() for category in inside]
                  + [Box(5, 1, (0, 0, 1, 1), iscrowd=1)], [Category(1, 'person')])
    assert [image.id for image in _ranked(truth)] == [3, 2, 6, 1, 4]


def test_labels_stay_inside_and_apart():
    boxes = [(0, 0, 100, 100), (0, 0, 90, 90), (400, 300, 80, 60), (10, 5, 80, 80)]
    places = place_labels(boxes, ['person 0.99', 'cat', 'hair drier 0.5', 'dog'], 480, 360)
    for place in places:
        assert place.x >= 0 and place.y >= 0 and place.x + place.width <= 480 and place.y + place.height <= 360
    for one in places:
        for other in places:
            apart = (one.x + one.width <= other.x or other.x + other.width <= one.x
                     or one.y + one.height <= other.y or other.y + other.height <= one.y)
            assert one is other or apart


def test_a_label_without_room_is_left_out():
    places = place_labels([(100, 100, 20, 20)] * 40, ['potted plant 0.50'] * 40, 480, 360)
    assert places[0] and places[1] and places.count(None) >= 30


def test_annotations_that_find_no_room(drawn, monkeypatch):
    """Are not read: the report ends with a line, not with the machine."""
    path = str(drawn / 'annotations/instances_val2017.json')
    with open(path) as file:
        need = file.read().count('{') * BYTES_READ + os.path.getsize(path)
    monkeypatch.setattr(available_memory, 'available_memory', lambda: need)
    assert len(read_truth(path).images) == 8
    monkeypatch.setattr(available_memory, 'available_memory', lambda: need - 1)
    monkeypatch.setattr('head.report.ground_truth.read_bytes', None)
    with pytest.raises(EnvironmentFault, match=r'instances_val2017\.json: needs about .* of memory, .*data=FOLDER'):
        read_truth(path)
