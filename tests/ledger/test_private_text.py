"""Folders, machines and mail addresses are taken out of texts, and nothing twice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from head.ledger.private_text import first_private_text, without_private_text


@pytest.mark.parametrize('text, left', [
    ('/home/jane/coco', 'coco'), ('data=/home/jane/coco/', 'data=coco'), ('~/coco/x.json', 'x.json'),
    ('../jane/x.py', 'x.py'), ("ann_file='/home/Jane Doe/a b/x.json',", "ann_file='x.json',"),
    (r'C:\Users\jane\coco\x.json', 'x.json'), (r'\\server\jane\x', 'x'), ('work_dirs/jane/latest.pth', 'latest.pth'),
    ('file:///home/jane/x', 'file:x'), ('x?key=a1&b=2 c', 'x c'), ('jane@gpu07', 'removed'), ('10.0.0.7', 'removed'),
    ("dict(a='x', b=1/3, c='y')", "dict(a='x', b=3, c='y')"), ('http://gpu07.lab/x/y', 'http:y'),
    ('rdzv=node7.lab.org:29500 nnodes=2', 'rdzv=removed nnodes=2'),
    ('by jane.doe@lab.org.', 'by removed'), ('CXX=/opt/gcc-7/bin/c++, CUDA', 'CXX=c++, CUDA'),
    ("checkpoint='torchvision://resnet18'", "checkpoint='torchvision://resnet18'"),
    ('no path: 1.9.1+cu111, 36.1 mAP', 'no path: 1.9.1+cu111, 36.1 mAP')])
def test_what_is_left(text, left):
    assert without_private_text(text) == left
    assert first_private_text(dict(a=[1, dict(b=text)])) == (text if text != left else '')
    assert first_private_text({text: 1}) == (text if text != left else '')


@given(st.text(alphabet='a1/\\\'"~.:=@-? ,\n', max_size=60))
def test_nothing_is_left_to_take_out(text):
    assert first_private_text(without_private_text(text)) == ''


@pytest.mark.timeout(60)
@pytest.mark.parametrize('piece', ['x', '/', "'/", 'a@', '@', '1.', 'rdzv=', '?a=', "'a", 'a/'])
def test_a_long_text_takes_no_time(piece):
    """A second; a pattern that looks at each character again for each one before it takes an hour."""
    text = piece * (2**20 // len(piece))
    assert len(without_private_text(text)) <= len(text)
