"""What tests of the environment's set-up share."""

import importlib.util

import pytest

from head.catalog import ROOT


@pytest.fixture(scope='session')
def builder():
    """environment/build_mmcv.py as a module."""
    spec = importlib.util.spec_from_file_location('build_mmcv', ROOT / 'environment/build_mmcv.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
