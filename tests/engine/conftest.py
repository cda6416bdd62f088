"""A GPU as torch would tell of it."""

import pytest
import torch


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
