"""Each way to call, fetch or mount is the one of the place where it is read."""

import re

import pytest

from head.catalog import ROOT
from head.coco.folder import check_split
from head.engine.shared_memory import lacking
from head.errors import RequestError
from head.request import COMMANDS
from head.results.work_dir import open_folder
from head.support import advice

PLACES = dict(checkout={}, run=dict(HEAD_IMAGE='paper-cuda'), compose=dict(HEAD_IMAGE='paper-cuda', HEAD_COMPOSE='1'),
              apptainer=dict(HEAD_IMAGE='paper-cuda', APPTAINER_CONTAINER='head.sif'))


@pytest.fixture
def place(monkeypatch):
    """Makes the process one that runs in a place."""

    def at(name):
        for variable in 'HEAD_IMAGE', 'HEAD_COMPOSE', 'APPTAINER_CONTAINER':
            monkeypatch.delenv(variable, raising=False)
        for variable, value in PLACES[name].items():
            monkeypatch.setenv(variable, value)

    monkeypatch.chdir(ROOT)
    return at


@pytest.mark.parametrize('name, fetch, catalog, mount', [
    ('checkout', 'scripts/fetch coco', 'scripts/catalog', None),
    ('run', f'docker run -v FOLDER:{ROOT}/data/coco … IMAGE fetch coco', 'docker run … IMAGE catalog',
     f'docker run -v FOLDER:{ROOT}/work_dirs'),
    ('compose', 'docker compose run --rm fetch coco', 'docker run … IMAGE catalog', 'WORK_DIR=FOLDER in .env'),
    ('apptainer', f'apptainer run --bind FOLDER:{ROOT}/data/coco … head.sif fetch coco',
     'apptainer run … head.sif catalog', f'apptainer run --bind FOLDER:{ROOT}/work_dirs'),
])
def test_each_place_has_its_own_words(place, name, fetch, catalog, mount):
    place(name)
    assert (advice.call('fetch', 'coco'), advice.call('catalog')) == (fetch, catalog)
    there = advice.call('fetch', 'coco', 'data=/a b')
    assert there.endswith("fetch coco 'data=/a b'") and ('FOLDER' not in there or 'FOLDER:/a b ' in there)
    if mount:
        assert advice.mount('work_dirs') == advice.mount('work_dirs/a/b') == mount
        assert advice.writable('work_dirs/smoke/verdict.json').endswith(f'written to: {mount}')
    else:
        assert advice.writable('work_dirs') == 'mount it so that it can be written to'


def test_a_package_that_pip_has_installed(place, monkeypatch, tmp_path):
    place('checkout')
    monkeypatch.setattr(advice, 'SCRIPTS', tmp_path / 'scripts')
    assert advice.call('fetch', 'pretrained') == 'head fetch pretrained'


def test_a_folder_that_compose_does_not_mount(place):
    place('compose')
    assert advice.mount('/elsewhere', read_only=True) == 'docker compose run --rm -v FOLDER:/elsewhere:ro'


@pytest.mark.parametrize('name, memory, ids, coco', [
    ('run', '--shm-size=8g', '--user', 'docker run -v FOLDER:.*:ro'),
    ('compose', 'shm_size in compose.yaml', 'scripts/dotenv', 'docker compose run --rm fetch coco'),
    ('apptainer', '/dev/shm of this machine', 'as the user', 'apptainer run --bind FOLDER:.*:ro'),
])
def test_who_says_it(place, name, memory, ids, coco, monkeypatch, tmp_path):
    place(name)
    assert memory in lacking(10**6, 2)
    with pytest.raises(RequestError, match=coco):
        check_split(str(tmp_path / 'annotations/x.json'), str(tmp_path))
    monkeypatch.setattr('os.makedirs', lambda *_, **__: (_ for _ in ()).throw(PermissionError(13, 'Permission denied')))
    with pytest.raises(RequestError, match=ids):
        open_folder('work_dirs/x', 'work_dir=work_dirs/x')


@pytest.mark.parametrize('name, other, gpus', [
    ('run', 'take the image for cuda of stack=current', 'docker run --gpus all'),
    ('compose', 'scripts/dotenv stack=current device=cuda, then scripts/image', 'scripts/dotenv device=cuda'),
    ('apptainer', 'take the image for cuda of stack=current', 'apptainer run --nv'),
])
def test_another_image_and_gpus(place, name, other, gpus):
    place(name)
    assert advice.image('current', 'cuda') == other and gpus in advice.gpus()


def test_the_services_are_those_of_compose():
    services = re.findall(r'^  (\w+):$', (ROOT / 'compose.yaml').read_text().split('\nservices:\n')[1], re.M)
    assert set(advice.SERVICES) == {*services} & {*COMMANDS}


def test_the_variables_are_those_of_compose():
    mounted = re.findall(r'\$\{(\w+):-\./([\w/]+)\}"?, target: /head/([\w/]+)', (ROOT / 'compose.yaml').read_text())
    assert {place: variable for variable, _, place in mounted} == advice.FOLDERS


def test_nothing_else_tells_how():
    """No message of its own names a script to fetch by, or docker's options."""
    own = {str(path.relative_to(ROOT)) for path in (ROOT / 'head').rglob('*.py')
           if re.search(r'scripts/fetch|docker run|docker compose|--shm-size|-v FOLDER', path.read_text())}
    assert own == {'head/support/advice.py', 'head/request.py'}
