"""What is read of a config's text, which may be anybody's."""


import pytest

from head.results.config_text import MOST_TEXT, ann_files

TEXT = """x = 1
data = dict(
    train=dict(ann_file='train.json'),
    val={},
    test=dict(ann_file='test.json'))
y = dict(val=dict(ann_file='other.json'))
"""


@pytest.mark.parametrize('val, found', [
    ("dict(type='CocoDataset', ann_file='a.json', pipeline=[dict(keys=('ann_file', 'b'))])", ['a.json']),
    ('dict(ann_file="it\'s.json")', ["it's.json"]),
    ("dict(ann_file=['a', 'b'], img_prefix='c')", ['a', 'b']),
    ("dict(type='ConcatDataset', datasets=[dict(ann_file='a'), dict(ann_file='b')])", ['a', 'b']),
    ("dict(**{'ann_file': 'a', 'b c': [1]})", ['a']),
    ("dict(ann_file='a' + x)", []),
    ("dict(ann_file=('a') + x)", []),
    ("dict(ann_file=x)", []),
    ("dict(ann_file='a' 'b')", []),
    ("dict(img_prefix='a')", []),
    ("dict(ann_file='a'", []),
])
def test_the_evaluations_files(val, found):
    assert ann_files(TEXT.replace('{}', val), 'val') == found


@pytest.mark.parametrize('part', ['\n    val=dict(', '(', '"\\', '"\'', '\\', '"""', ' ', '1+', "'\n"])
def test_text_that_would_take_long(part):
    """Nested without end, or with a search from every place of it."""
    assert ann_files(part * (MOST_TEXT // len(part)), 'val') == []  # a search from each of them takes hours
