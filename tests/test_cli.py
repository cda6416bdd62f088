"""What a command says of the system's errors, and how it ends."""

import errno
import os

import pytest

from head import cli


@pytest.mark.parametrize('number, status', [
    (errno.ENOENT, 2), (errno.EACCES, 2), (errno.EROFS, 2), (errno.EIO, 3), (errno.ESTALE, 3), (errno.ENODEV, 3),
    (errno.EMFILE, 3)])
def test_a_wrong_name_or_a_fault_of_the_machine(number, status, monkeypatch, capsys):
    def answer(arguments):
        raise OSError(number, os.strerror(number), 'a.json')

    monkeypatch.setattr(cli, '_answer', answer)
    assert cli.main(['list']) == status
    monkeypatch.delenv('HEAD_IMAGE', raising=False)
    advice = '; mount it so that it can be written to' if number == errno.EROFS else ''
    assert capsys.readouterr().err == f'head: a.json: {os.strerror(number)}{advice}\n'


@pytest.mark.parametrize('name, told', [(None, ''), ('a', ' (a)')])
def test_a_full_disk(name, told, monkeypatch, capsys):
    """Only what is known is named: not every command has a work dir."""

    def answer(arguments):
        raise OSError(errno.ENOSPC, 'No space left on device', name)

    monkeypatch.setattr(cli, '_answer', answer)
    assert cli.main(['list']) == 3
    assert capsys.readouterr().err == f'head: no space left on the disk{told}: make room\n'
