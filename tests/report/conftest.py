"""Work dirs as `train`, `eval` and mmdet leave them, on the drawn set."""

from pathlib import Path

import pytest

from .made_up_runs import write_evaluation, write_training


@pytest.fixture
def evaluation(tmp_path, drawn):
    """The folder of an evaluation with detections."""
    return write_evaluation(tmp_path / 'work_dirs' / 'head_r18' / 'eval', Path(drawn))


@pytest.fixture
def training(tmp_path, drawn):
    """The folder of a training with its log."""
    return write_training(tmp_path / 'work_dirs' / 'head_r18', Path(drawn))
