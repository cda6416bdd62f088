"""All images of a split are looked at once, and again where a file is another one."""

import os
import shutil

import pytest

from head.coco import image_checks
from head.coco.folder import check_split
from head.errors import RequestError


@pytest.fixture
def looked_at(tmp_path, monkeypatch):
    """Names of the images that were read since this was last asked for; the cache is empty."""
    names = []
    read = image_checks.read_image

    def read_image(path, *size):
        names.append(os.path.basename(path))
        return read(path, *size)

    def since():
        found = sorted(names)
        names.clear()
        return found

    monkeypatch.setenv('HEAD_CACHE', str(tmp_path / 'cache'))
    monkeypatch.setattr(image_checks, 'read_image', read_image)
    return since


def check(folder):
    return check_split(str(folder / 'annotations/instances_val2017.json'), str(folder / 'val2017'))


def names_in(folder):
    return sorted(path.name for path in (folder / 'val2017').iterdir())


def test_once(data, looked_at):
    before = check(data)
    assert looked_at() == names_in(data) and len(before.images_sha256) == 64
    assert check(data) == before and looked_at() == []


def test_a_file_that_is_another_one(data, looked_at):
    """Also of the same size and with the same time of its own: the system's time tells it."""
    before = check(data)
    looked_at()
    first, second, third, *_ = sorted((data / 'val2017').iterdir())
    time = first.stat()
    content = bytearray(first.read_bytes())
    first.write_bytes(content)
    os.utime(first, ns=(time.st_atime_ns, time.st_mtime_ns))
    assert check(data) == before and looked_at() == [first.name], 'the same bytes'
    shutil.copy(data / 'train2017' / os.listdir(data / 'train2017')[0], second)
    shutil.copy(third, second)
    try:
        after = check(data)
    except RequestError as error:  # the sizes take turns in the drawn set
        assert str(second) in str(error)
    else:
        assert after.images_sha256 != before.images_sha256
    assert looked_at() == [second.name]


def test_two_images_that_change_places(data, looked_at):
    before = check(data)
    first, *_, last = [path for path in sorted((data / 'val2017').iterdir())][::3]
    one, other = first.read_bytes(), last.read_bytes()
    first.write_bytes(other)
    last.write_bytes(one)
    assert check(data).images_sha256 != before.images_sha256


def test_damaged_ones_are_named(data, looked_at):
    paths = sorted((data / 'val2017').iterdir())
    for path in paths[2:5]:
        path.write_bytes(path.read_bytes()[:-3000])
    for _ in range(2):
        with pytest.raises(RequestError) as caught:
            check(data)
        assert str(caught.value).startswith(f'{paths[2]}: it does not decode whole')
        assert '(3 of 8 images are not whole)' in str(caught.value)
    assert looked_at().count(paths[0].name) == 1, 'the whole ones are remembered'


def test_what_was_remembered_is_damaged(data, looked_at, tmp_path):
    check(data)
    looked_at()
    kept, = (tmp_path / 'cache/images').iterdir()
    content = bytearray(kept.read_bytes())
    content[-1] ^= 1
    kept.write_bytes(content)
    check(data)
    assert looked_at() == names_in(data)


def test_a_pipe_is_no_image(data, looked_at):
    """Reading it would wait for ever."""
    path = sorted((data / 'val2017').iterdir())[0]
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(RequestError, match=f'{path}: it is no regular file'):
        check(data)


def test_without_a_place_to_remember(data, looked_at, monkeypatch):
    monkeypatch.setenv('HEAD_CACHE', '/proc')
    check(data)
    check(data)
    assert looked_at() == sorted(names_in(data) * 2)
