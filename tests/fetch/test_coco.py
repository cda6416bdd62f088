"""`fetch coco`: archives to a checked folder."""

import hashlib
import io
import shutil
import time
import zipfile

import pytest

from .conftest import disk, hidden_path, wait_until


@pytest.fixture
def folder(tmp_path):
    """Where COCO goes by default."""
    return tmp_path / 'data' / 'coco'


def contents(folder):
    """Every visible file below a folder, by its path in it."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob('*')
            if path.is_file() and not any(part.startswith('.') for part in path.relative_to(folder).parts)}


def replace_archive(edit, coco, name, entries):
    """Put another archive in place of one, hash and all: member name -> bytes."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, 'w') as archive:
        for member, body in entries.items():
            archive.writestr(member, body)
    coco[name].body = memory.getvalue()
    facts = dict(md5=hashlib.md5(coco[name].body).hexdigest(), size=len(coco[name].body))
    edit('coco.yaml', lambda content: content['archives'][name].update(facts))


def test_all_of_it(fetch, coco, folder, drawn):
    out = fetch('coco')
    assert contents(folder) == contents(drawn) and not hidden_path(folder)
    assert 'train2017: complete, 16 images' in out and 'val2017: complete, 8 images' in out
    again = fetch('coco')
    assert 'complete' in again and all(len(file.asked) == 1 for file in coco.values())


def test_what_is_there_is_kept(fetch, coco, drawn, tmp_path):
    folder = tmp_path / 'mine'
    shutil.copytree(str(drawn), str(folder))
    shutil.rmtree(str(folder / 'val2017'))
    (folder / 'val2017').mkdir()  # empty, like a mount point
    (folder / 'annotations' / 'instances_train2017.json').unlink()
    (folder / 'annotations' / 'mine.json').write_text('{}')
    fetch('coco', f'data={folder}')
    assert contents(folder) == dict(contents(drawn), **{'annotations/mine.json': b'{}'})
    assert not coco['train2017'].asked and coco['val2017'].asked == coco['annotations'].asked == [None]


def test_a_folder_that_cannot_be_written_is_only_checked(fetch, coco, drawn, tmp_path):
    before = set(drawn.rglob('*'))
    assert 'complete' in fetch('coco', f'data={drawn}')
    assert set(drawn.rglob('*')) == before


@pytest.mark.parametrize('damage, hint', [
    (lambda folder: next((folder / 'val2017').iterdir()).unlink(), '1 of 8 images'),
    (lambda folder: (folder / 'annotations/instances_val2017.json').write_text('{}'), 'its sha256 is'),
])
def test_a_broken_part_is_named_and_kept(fetch, coco, drawn, tmp_path, damage, hint):
    folder = tmp_path / 'mine'
    shutil.copytree(str(drawn), str(folder))
    shutil.rmtree(str(folder / 'train2017'))
    damage(folder)
    before = contents(folder)
    line = fetch('coco', f'data={folder}', status=2)
    assert hint in line and 'val2017' in line and 'fetch again' in line
    assert contents(folder) == before and not coco['train2017'].asked, 'found before anything large is fetched'


def test_cut_and_wrong_archives(fetch, coco, folder):
    body = coco['train2017'].body
    coco['train2017'].cuts = [len(body) // 2]
    coco['val2017'].body = b'x' * len(coco['val2017'].body)
    line = fetch('coco', status=3)
    assert 'val2017.zip' in line and 'md5' in line and 'by hand' in line
    assert (folder / 'train2017').is_dir() and not (folder / 'val2017').exists()


def test_a_killed_unpacking(fetch, coco, folder, drawn):
    slowly = """
import zipfile, time
extract = zipfile.ZipFile.extract
zipfile.ZipFile.extract = lambda *arguments: (extract(*arguments), time.sleep(0.2))"""
    process = fetch.start('coco', before=slowly)
    unpacking = folder / '.train2017.unpacking' / 'train2017'
    wait_until(lambda: unpacking.exists() and len(list(unpacking.iterdir())) > 3, process)
    process.kill()
    process.communicate()
    assert not (folder / 'train2017').exists() and (folder / 'train2017.zip').exists()
    (unpacking / 'stray.png').write_bytes(b'of another run')
    fetch('coco')
    assert contents(folder) == contents(drawn) and not hidden_path(folder)
    assert coco['train2017'].asked == [None]


@pytest.mark.parametrize('name', ['train2017', '.train2017.zip.done', 'instances_val2017.json'])
def test_killed_at_the_very_end(fetch, coco, folder, drawn, name):
    """Nothing large is left that the next run would not look for, and the images are not fetched again."""
    before = f"""
import os
rename = os.rename
def rename_and_die(source, target):
    rename(source, target)
    if target.endswith('/{name}'):
        os._exit(9)
os.rename = rename_and_die"""
    assert fetch.start('coco', before=before).wait(timeout=60) == 9
    fetch('coco')
    assert contents(folder) == contents(drawn)
    assert not list(folder.glob('*.zip')) and not [path for path in folder.glob('.*/**/*') if path.is_file()]
    assert not list(folder.glob('.*.done')) and coco['train2017'].asked == [None]


def test_a_link_that_images_cannot_replace(fetch, coco, folder, tmp_path):
    (tmp_path / 'big').mkdir()
    folder.mkdir(parents=True)
    (folder / 'val2017').symlink_to(tmp_path / 'big')
    assert 'val2017: is an empty link' in fetch('coco', status=2)
    assert not any(file.asked for file in coco.values())


def test_two_at_once(fetch, coco, folder, drawn):
    for file in coco.values():
        file.pace = 0.01
    first, second = fetch.start('coco'), fetch.start('coco')
    out = first.communicate(timeout=60), second.communicate(timeout=60)
    assert first.returncode == second.returncode == 0, out
    assert contents(folder) == contents(drawn) and not hidden_path(folder)
    assert all(file.served == len(file.body) for file in coco.values())


def test_no_room_for_archive_and_content(fetch, coco, folder, edit):
    edit('coco.yaml', lambda content: [file.update(size=10**9) for file in content['archives'].values()])
    line = fetch('coco', before=disk(8_900_000_000), status=3)
    assert 'needs 9.00 GB, has 8.90 GB free' in line
    assert not any(file.asked for file in coco.values())


def test_what_an_earlier_run_left_counts_as_room(fetch, coco, folder, edit, drawn):
    folder.mkdir(parents=True)
    total = sum(len(coco[name].body) * (5 if name == 'annotations' else 2) for name in coco)
    body = coco['train2017'].body
    (folder / '.train2017.zip.part').write_bytes(body[:-100])
    fetch('coco', before=disk(total - len(body) + 50), status=3)
    fetch('coco', before=disk(total - len(body) + 200))
    assert contents(folder) == contents(drawn)


@pytest.mark.parametrize('entries', [{}, {'other/one.png': b'1'}])
def test_an_archive_of_something_else(fetch, coco, folder, edit, entries):
    replace_archive(edit, coco, 'val2017', entries)
    assert 'has no val2017/' in fetch('coco', status=2)


def test_an_interruption_while_unpacking(fetch, coco, folder):
    slowly = 'import zipfile, time; zipfile.ZipFile.extract = lambda *arguments: time.sleep(60)'
    process = fetch.start('coco', before=slowly)
    wait_until(lambda: (folder / 'annotations.zip').exists() or list(folder.glob('annotations*.zip')), process)
    time.sleep(0.3)
    process.terminate()
    assert process.wait(timeout=5) == 75
    process.communicate()
