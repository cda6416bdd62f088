"""Work dirs as `train`, `eval` and mmdet leave them, on the drawn set."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from head import catalog
from head.support.file_hash import file_hash

from .made_up_runs import ANNOTATIONS, write_evaluation, write_training


@pytest.fixture(autouse=True)
def val2017_is_drawn(drawn, monkeypatch):
    """The drawn set stands in for val2017, which no test has: verdicts on it count."""
    facts = catalog.coco()
    val = replace(facts.splits['val2017'], sha256=file_hash(drawn / ANNOTATIONS))
    monkeypatch.setattr(catalog, 'coco', lambda: replace(facts, splits=dict(facts.splits, val2017=val)))


@pytest.fixture
def evaluation(tmp_path, drawn):
    """The folder of an evaluation with detections."""
    return write_evaluation(tmp_path / 'work_dirs' / 'head_r18' / 'eval', Path(drawn))


@pytest.fixture
def training(tmp_path, drawn):
    """The folder of a training with its log."""
    return write_training(tmp_path / 'work_dirs' / 'head_r18', Path(drawn))
