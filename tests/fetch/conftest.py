"""The real command in a process of its own, in front of a stand-in for the internet."""

import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
import yaml

from head import catalog

from ..conftest import ROOT
from .authors_folder import BINARY, CHECKPOINT, FOLDER, STEM, number, untrained
from .stand_in import Drive, Internet

CHILD = """
import sys
from pathlib import Path
import head.catalog
import head.engine.run_facts
import head.fetch.retry
head.engine.run_facts.commit = lambda: None  # the checkout that is tested may have changes
head.catalog.FOLDER = Path(sys.argv[1])
head.fetch.retry.PAUSE = 0.01
exec(sys.argv[2])
from head.__main__ import run
sys.argv[1:] = sys.argv[3:]
sys.exit(run())
"""


def disk(free):
    """Code for `Command.start` that leaves that many bytes free on every disk."""
    return f'import shutil; shutil.disk_usage = lambda path: shutil._ntuple_diskusage({free}, 0, {free})'


def hidden_path(folder):
    """Names of what lies hidden in a folder, but for the locks."""
    return [path.name for path in folder.glob('.*') if not path.name.endswith('.lock')]


def wait_until(condition, process, seconds=120):
    """Until the condition holds; the process must not have ended before."""
    end = time.time() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.time() < end, 'too slow'
        time.sleep(0.01)


@pytest.fixture
def internet():
    """All servers."""
    internet = Internet()
    yield internet
    internet.close()


@pytest.fixture
def drive(internet):
    """Google Drive."""
    return Drive(internet)


@pytest.fixture
def own_catalog(tmp_path):
    """A copy of the catalog's yaml files, to be edited."""
    folder = tmp_path / 'catalog'
    folder.mkdir()
    for path in catalog.FOLDER.glob('*.yaml'):
        shutil.copy(str(path), str(folder))
    (folder / 'released.yaml').write_text(f'# what\n# and why\nfolder: {catalog.released().folder}\nfiles: {{}}\n')
    return folder


def _in_the_foreground():
    """A shell lets its background jobs ignore Ctrl-C, and nohup a closed terminal, and they hand that down."""
    for one in (signal.SIGINT, signal.SIGHUP):
        signal.signal(one, signal.SIG_DFL)


class Command:
    """A command as a user calls it, in `place`, in front of the stand-in."""

    def __init__(self, name, place, own_catalog, internet):
        self.name = name
        self.place, self.catalog = place, own_catalog
        certificate = place / 'ca.pem'
        internet.certificate.write_to_path(str(certificate))
        home = place / 'home'
        home.mkdir(exist_ok=True)
        self.environment = dict(
            os.environ, PYTHONPATH=str(ROOT), HOME=str(home), HTTP_PROXY=internet.address, HTTPS_PROXY=internet.address,
            http_proxy=internet.address, https_proxy=internet.address, no_proxy='', NO_PROXY='',
            REQUESTS_CA_BUNDLE=str(certificate))

    def start(self, *words, before='', stderr=subprocess.PIPE):
        """The process, started; `before` is code that it runs first."""
        return subprocess.Popen([sys.executable, '-c', CHILD, str(self.catalog), before, self.name, *map(str, words)],
                                cwd=str(self.place), env=self.environment, stdout=subprocess.PIPE,
                                stderr=stderr, text=True, preexec_fn=_in_the_foreground)

    def __call__(self, *words, before='', status=0, timeout=60):
        """What it prints: its output, or where it must end with 2 or 3 its single line of complaint."""
        process = self.start(*words, before=before)
        out, complaint = process.communicate(timeout=timeout)
        assert process.returncode == status, out + complaint
        assert 'Traceback' not in complaint, complaint
        if status < 2:
            assert complaint == ('head: computing on the CPU\n' if self.name in ('eval', 'detect') else ''), complaint
            return out
        lines = complaint.splitlines()
        assert len(lines) == 1 and lines[0].startswith('head: '), complaint
        return lines[0]


@pytest.fixture
def fetch(tmp_path, own_catalog, internet):
    """Run `fetch`, see `Command`."""
    return Command('fetch', tmp_path, own_catalog, internet)


@pytest.fixture
def edit(own_catalog):
    """Edit a yaml file of the own catalog: give it a function that changes its content."""

    def apply(name, change):
        path = own_catalog / name
        content = yaml.safe_load(path.read_text())
        change(content)
        path.write_text(yaml.safe_dump(content))
        return content

    return apply


def zipped(folder, *names):
    """An archive of folders of `folder`, stored like COCO's."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, 'w') as archive:
        for name in names:
            for path in sorted(Path(folder, name).iterdir()):
                archive.write(str(path), f'{name}/{path.name}')
    return memory.getvalue()


@pytest.fixture
def coco(internet, edit, drawn):
    """The drawn set on COCO's servers, and in the own catalog; returns archive name -> `stand_in.File`."""
    files = {}

    def change(content):
        for name in ('train2017', 'val2017', 'annotations'):
            body = zipped(drawn, name)
            files[name] = internet.put(content['archives'][name]['address'], body)
            content['archives'][name].update(md5=hashlib.md5(body).hexdigest(), size=len(body))
        for split in ('train2017', 'val2017'):
            raw = (drawn / 'annotations' / f'instances_{split}.json').read_bytes()
            facts = json.loads(raw)
            content['splits'][split] = dict(images=len(facts['images']), annotations=len(facts['annotations']),
                                            sha256=hashlib.sha256(raw).hexdigest())

    edit('coco.yaml', change)
    return files


@pytest.fixture
def weights(internet, edit):
    """Random bytes as weights on their servers, and in the own catalog; returns name -> `stand_in.File`."""
    files = {}

    def change(content):
        for place, (name, file) in enumerate(content.items()):
            body = bytes([place]) * 11 + os.urandom(300_000)
            files[name] = internet.put(file['address'], body)
            file['sha256'] = hashlib.sha256(body).hexdigest()[:8]
            if 'size' in file:
                file['size'] = len(body)

    edit('files.yaml', change)
    return files


@pytest.fixture(scope='session')
def checkpoint():
    """The bytes of a checkpoint of head_r18 that has learnt nothing."""
    return untrained('head_r18', epoch=12)


@pytest.fixture
def served(drive):
    """Let the authors' folder hold these bytes as head_r18's checkpoint."""

    def serve(body):
        drive.folder(FOLDER, 'HEAD', [(number('row'), STEM, None)])
        drive.folder(number('row'), STEM, [(number(CHECKPOINT), CHECKPOINT, BINARY)])
        return drive.file(number(CHECKPOINT), body)

    return serve
