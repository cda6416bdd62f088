"""A loader whose workers would find no room is noticed before it starts."""

import shutil
from collections import namedtuple

import pytest

from head.engine.shared_memory import lacking


@pytest.mark.parametrize('megabytes,workers,images,short', [(64, 2, 2, True), (64, 2, 1, True), (64, 0, 2, False),
                                                            (8192, 2, 2, False)])
def test_lacking(monkeypatch, megabytes, workers, images, short):
    usage = namedtuple('usage', 'total used free')(megabytes << 20, 0, megabytes << 20)
    monkeypatch.setattr(shutil, 'disk_usage', lambda path: usage)
    assert bool(lacking(workers, images)) == short
    monkeypatch.setenv('HEAD_IMAGE', 'paper-cpu')
    if short:
        assert f'{megabytes} MB' in lacking(workers, images) and '--shm-size' in lacking(workers, images)
