"""A reader that goes away, like head(1): the command ends with its own status."""

import contextlib
import os

import pytest

from head.cli import main


@contextlib.contextmanager
def nobody_reads():
    """Standard output and error are pipes without a reader."""
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, 'w', buffering=1) as stream, contextlib.redirect_stdout(stream), \
            contextlib.redirect_stderr(stream):
        yield


@pytest.mark.parametrize('metrics, status', [('{"AP": NaN}', 1), ('{"AP": 0.361}', 0), ('{}', 2)])
def test_the_status_is_the_command_s(tmp_path, monkeypatch, metrics, status):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'eval.json').write_text(metrics)
    with nobody_reads():
        found = main(['verify', 'eval.json'])
    assert found == status
    assert (tmp_path / 'work_dirs/verify/verdict.json').exists() == (status != 2)


def test_a_terminal_that_lacks_characters(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'größe.json').write_text('{"AP": 0.361}')
    with open(tmp_path / 'out', 'w', encoding='ascii') as stream, contextlib.redirect_stdout(stream):
        assert main(['verify', 'größe.json']) == 0
    assert (tmp_path / 'out').read_text().startswith('gr\\xf6\\xdfe.json: ')
