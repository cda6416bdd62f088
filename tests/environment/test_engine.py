"""The container tests' set-up says what it lacks."""

import os
import shutil

import pytest

from tests.container import engine
from tests.container.engine import NoEngine, running_engine


def test_neither_an_engine_nor_the_means_to_start_one(tmp_path, monkeypatch):
    monkeypatch.setattr(os, 'geteuid', lambda: 0)
    monkeypatch.setattr(shutil, 'which', lambda name: None)
    with pytest.raises(
            NoEngine, match='need a Docker engine and debootstrap: install debootstrap'), running_engine(tmp_path):
        pass


def test_no_root(tmp_path, monkeypatch):
    monkeypatch.setattr(os, 'geteuid', lambda: 1000)
    with pytest.raises(NoEngine, match='as root'), running_engine(tmp_path):
        pass
    assert not list(tmp_path.iterdir())


def test_an_engine_that_does_not_start(tmp_path, monkeypatch):
    """Its last words are passed on, and nothing is left of it."""
    tools = tmp_path / 'bin'
    tools.mkdir()
    for name, text in (('dockerd', 'echo no room; exit 1'), ('docker', 'exit 1'), ('debootstrap', '')):
        (tools / name).write_text(f'#!/bin/sh\n{text}\n')
        (tools / name).chmod(0o755)
    monkeypatch.setattr(os, 'geteuid', lambda: 0)
    monkeypatch.setattr(engine, 'FORWARDING', tmp_path / 'ip_forward')
    engine.FORWARDING.write_text('0')
    monkeypatch.setenv('PATH', f'{tools}:{os.environ["PATH"]}')
    cache = tmp_path / 'cache'
    cache.mkdir()
    with pytest.raises(NoEngine, match=r'dockerd does not start: .*no room'), running_engine(cache):
        pass
    assert not list(cache.iterdir()) and engine.FORWARDING.read_text() == '0'
