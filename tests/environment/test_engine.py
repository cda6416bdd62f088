"""The container tests' set-up says what it lacks."""

import os
import shutil

import pytest

from tests.container import engine
from tests.container.engine import RELEASE, NoEngine, running_engine


def test_neither_an_engine_nor_the_means_to_start_one(tmp_path, monkeypatch):
    monkeypatch.setattr(os, 'geteuid', lambda: 0)
    monkeypatch.setattr(shutil, 'which', lambda *_, **__: None)
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
    cache = tmp_path / 'cache'
    tools = cache / f'engine-of-{RELEASE}/usr/bin'
    tools.mkdir(parents=True)
    for name, text in (('dockerd', 'echo no room; exit 1'), ('docker', 'exit 1'), ('debootstrap', ''), ('runc', '')):
        (tools / name).write_text(f'#!/bin/sh\n{text}\n')
        (tools / name).chmod(0o755)
    monkeypatch.setattr(os, 'geteuid', lambda: 0)
    monkeypatch.setattr(engine, 'FORWARDING', tmp_path / 'ip_forward')
    engine.FORWARDING.write_text('0')
    monkeypatch.setenv('PATH', f'{tools}:{os.environ["PATH"]}')
    with pytest.raises(NoEngine, match=r'dockerd does not start: .*no room'), running_engine(cache):
        pass
    assert [path.name for path in cache.iterdir()] == [f'engine-of-{RELEASE}'] and engine.FORWARDING.read_text() == '0'
