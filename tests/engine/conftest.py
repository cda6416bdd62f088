"""A GPU as torch would tell of it, and a checkpoint."""

import pytest
import torch

from .trained_students import trained


@pytest.fixture
def gpu(monkeypatch):
    """Make this machine one with a GPU of a compute capability."""

    def make(major, minor, compiler=torch.version.cuda):
        properties = type('Properties', (), dict(name='Some GPU', major=major, minor=minor, total_memory=2**34))
        monkeypatch.setattr(torch.cuda, 'device_count', lambda: 1)
        monkeypatch.setattr(torch.cuda, 'get_device_name', lambda *number: properties.name)
        monkeypatch.setattr(torch.cuda, 'get_device_capability', lambda *number: (major, minor))
        monkeypatch.setattr(torch.cuda, 'get_device_properties', lambda number: properties)
        monkeypatch.setattr('mmcv.ops.get_compiling_cuda_version', lambda: compiler)

    return make


@pytest.fixture(scope='session')
def checkpoint(made_once):
    """A checkpoint of head_r18, see `trained`."""

    def make(folder):
        folder.mkdir()
        trained('head_r18', folder / 'epoch_12.pth')

    return made_once('checkpoint_of_head_r18', make) / 'epoch_12.pth'
