"""The catalog, and the README's table against it."""

import json
import re
import shutil

import pytest
import yaml
from hypothesis import strategies as st
from mmcv import Config

from head import catalog
from head.catalog import ROOT, coco, file_named, files, find_config, model_index, models, released
from head.errors import RequestError
from head.judging.verdict import judge


def test_model_index_is_the_catalogs():
    """Each file as the catalog makes it, and without a fault to the package that reads such files."""
    from modelindex.load_model_index import load
    made = model_index.texts()
    assert {path: (ROOT / path).read_text() for path in made} == made
    index = load(str(ROOT / 'model-index.yml'))
    assert index.check(silent=True) == [] and {model.name for model in index.models} == set(models())


def test_every_row_is_whole():
    for row in models().values():
        assert (ROOT / row.config).is_file()
        assert row.files and (row.reported is None or 20 < row.reported < 50)
        assert row.eval_tolerance < row.train_tolerance and all(name in files() for name in row.files)
    for file in files().values():
        assert file.path.endswith(f'-{file.sha256}.pth') and file.address.endswith(file.path.split('/')[-1])
        assert file_named(file.path) == file


def test_configs_name_the_catalogs_files():
    for row in models().values():
        path, found = find_config(row.alias)
        assert found == row and find_config(str(path))[1] == row
        text = Config.fromfile(str(path), import_custom_modules=False)
        named = set(re.findall(r'pretrained/[\w./-]+', text.pretty_text))
        assert named == {files()[name].path for name in row.files} and text.runner.max_epochs == row.epochs


def test_unknown_alias_names_the_nearest():
    with pytest.raises(RequestError, match='head_r18'):
        find_config('head_r19')


@pytest.mark.parametrize('measured,doubts,verdict', [
    (36.05, (), 'pass'),
    (36.2, (), 'fail'),
    (float('nan'), (), 'fail'),
    (36.1, ['other data'], 'unverified'),
    (None, (), 'unverified'),
])
def test_verdicts(measured, doubts, verdict):
    assert judge(measured, 36.1, 0.07, doubts)['verdict'] == verdict


def test_coco_is_as_published():
    """The counts that COCO's own archives are known for, and an md5 for each."""
    splits = coco().splits
    assert (splits['train2017'].images, splits['val2017'].images) == (118287, 5000)
    assert all(archive.md5 and archive.size for archive in coco().archives.values())


def test_catalog_command(head, tmp_path):
    done = head('catalog', f'json={tmp_path}/catalog.json')
    assert done.returncode == 0 and '| `head_r18` |' in done.stdout and '| `tf_head_r18` |' in done.stdout
    content = json.loads((tmp_path / 'catalog.json').read_text())
    assert content['models']['head_r18']['reported'] == 36.1 and content['files']['resnet18']['sha256'] == 'f37072fd'


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A copy of the catalog's files, which the catalog reads instead."""
    folder = shutil.copytree(catalog.FOLDER, tmp_path / 'catalog')
    monkeypatch.setattr(catalog, 'FOLDER', folder)
    return folder


@pytest.mark.parametrize('name,old,new,named', [
    ('models', 'reported: 36.1', 'reported: 361', r'models\.yaml: head_r18: .*<= 100.0.*reported'),
    ('models', 'reported: 36.1', 'reportet: 36.1', 'reportet'),
    ('models', '  student: R18 RetinaNet\n', '', 'student'),
    ('models', "  where: the authors' results table\n", '', 'not where it is printed'),
    ('models', 'files: [resnet18]', 'files: [resnet19]', 'resnet19'),
    ('models', 'configs/head/', 'configs/tail/', 'no such config'),
    ('models', 'configs/head/', '../configs/head/', 'models.yaml'),
    ('files', 'sha256: f37072fd', 'sha256: f37072', 'files.yaml'),
    ('files', '  sha256: f37072fd\n', '', 'neither sha256 nor md5'),
    ('files', 'https://download.pytorch', 'file:///download.pytorch', 'address'),
    ('files', 'resnet18:', 'resnet18: [', 'files.yaml'),
])
def test_a_fault_in_the_catalog_is_one_line(copy, name, old, new, named):
    path = copy / f'{name}.yaml'
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(RequestError, match=named) as caught:
        models()
    assert '\n' not in str(caught.value) and name in str(caught.value)


READERS = dict(files=files, models=models, coco=coco, released=released)
plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just([]) | st.just({})


@pytest.mark.parametrize('name', READERS)
def test_fuzzed_catalog(copy, name, fuzz):
    """Any value of another kind, and any damaged text: read or refused in one line."""
    path, reader = copy / f'{name}.yaml', READERS[name]
    original = (ROOT / 'head/catalog' / path.name).read_text()

    @fuzz(st.data())
    def read_or_refuse(data):
        content = yaml.safe_load(original)
        node = content
        while True:
            key = data.draw(st.sampled_from(list(node)))
            if not isinstance(node[key], dict) or not node[key] or data.draw(st.booleans()):
                node[key] = data.draw(plain)
                break
            node = node[key]
        text = yaml.safe_dump(content)
        if data.draw(st.booleans()):
            place = data.draw(st.integers(0, len(text)))
            text = text[:place] + data.draw(st.text(max_size=3)) + text[place + data.draw(st.integers(0, 5)):]
        path.write_text(text, errors='ignore')
        try:
            reader()
        except RequestError as error:
            assert '.yaml' in str(error) and '\n' not in str(error)
