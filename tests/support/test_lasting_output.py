"""A reader that goes away, like head(1): the command ends with its own status."""

import os
import sys

import pytest

from head.cli import main


@pytest.fixture
def nobody_reads(monkeypatch):
    """Standard output and error are pipes without a reader."""
    streams = []
    for name in ('stdout', 'stderr'):
        reader, writer = os.pipe()
        os.close(reader)
        streams.append(open(writer, 'w', buffering=1))  # noqa: SIM115
        monkeypatch.setattr(sys, name, streams[-1])
    yield
    monkeypatch.undo()
    for stream in streams:
        stream.close()


@pytest.mark.parametrize('metrics, status', [('{"AP": NaN}', 1), ('{"AP": 0.361}', 0), ('{}', 2)])
def test_the_status_is_the_command_s(nobody_reads, tmp_path, monkeypatch, metrics, status):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'eval.json').write_text(metrics)
    assert main(['verify', 'eval.json']) == status
    assert (tmp_path / 'work_dirs/verify/verdict.json').exists() == (status != 2)
