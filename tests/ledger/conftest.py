"""A ledger of a user's own, and the commands that write and read it."""

import pytest

from head.cli import main


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """Run a command in the test's folder; returns its status, its output, and its lines of complaint."""
    monkeypatch.chdir(tmp_path)

    def run(*words):
        status = main([str(word) for word in words])
        said = capsys.readouterr()
        return status, said.out, said.err.splitlines()

    return run
