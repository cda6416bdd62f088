"""What a server, or somebody in a shared folder, can make a download do: nothing without bounds, nothing elsewhere."""

import os
import time
import zipfile

import pytest
import requests

from head.errors import EnvironmentFault, RequestError
from head.fetch import archives, download, retry
from head.fetch import drive as pages
from head.fetch import web as web_module
from head.fetch.download import web
from head.fetch.web import read_page
from head.support.locks import locked

from .authors_folder import BINARY, FOLDER, STEM, number

ADDRESS = 'http://files.example/file'


@pytest.fixture
def get(internet, monkeypatch, tmp_path):
    """Download `ADDRESS` in this process, to `file`; returns its path."""
    monkeypatch.setenv('http_proxy', internet.address)
    monkeypatch.setenv('no_proxy', '')
    monkeypatch.setattr(retry, 'PAUSE', 0.001)

    def run(**limits):
        download.download(web(ADDRESS), tmp_path / 'file', lambda path: '', **limits)
        return tmp_path / 'file'

    return run


@pytest.mark.parametrize('behaviour, hashed', [
    (dict(length=False), True),  # no length, like a chunked body
    (dict(headers={'Content-Length': '²'}, length=False), True),
    (dict(headers={'Content-Length': '9' * 5000}, length=False), True),
    (dict(), False),
])
def test_a_body_without_end(get, internet, tmp_path, behaviour, hashed):
    file = internet.put(ADDRESS, b'x' * 30_000_000, **behaviour)
    with pytest.raises(EnvironmentFault, match=r'the server sends more than the 1 MB that it may have.*by hand'):
        get(largest=1_000_000, hashed=hashed)
    assert file.served < 10_000_000 and len(file.asked) == 1 and os.listdir(tmp_path) == []


def test_one_of_the_most_that_it_may_have(get, internet):
    body = os.urandom(1_000_000)
    internet.put(ADDRESS, body, length=False)
    assert get(largest=len(body)).read_bytes() == body


@pytest.mark.parametrize('hashed', [True, False])
def test_shorter_parts_than_asked_for(get, internet, hashed):
    body = os.urandom(400_000)
    file = internet.put(ADDRESS, body, cuts=[1 << 18], most=60_000)
    assert get(hashed=hashed).read_bytes() == body and len(file.asked) == 4


@pytest.mark.parametrize('about', ['bytes 100-117/*', 'bytes 100-117/100', 'bytes 100-117/101', 'bytes 99-116/9', 'x'])
def test_a_part_that_does_not_fit(get, internet, tmp_path, about):
    body = os.urandom(1000)
    (tmp_path / '.file.part').write_bytes(body[:100])
    (tmp_path / '.file.part.etag').write_text(f'{ADDRESS}\n"one"')
    file = internet.put(ADDRESS, body, first=[(206, {'Content-Range': about})])
    assert get(hashed=False).read_bytes() == body and file.asked == ['bytes=100-', None]


@pytest.mark.parametrize('status, headers', [(206, {'Content-Range': 'bytes 0-17/18'}), (300, {}), (204, {})])
def test_an_answer_that_is_not_the_file(get, internet, tmp_path, status, headers):
    internet.put(ADDRESS, b'x' * 1000, first=[(status, headers)])
    with pytest.raises(EnvironmentFault, match=f'the server answers {status}, which is not the file'):
        get()
    assert not os.path.exists(tmp_path / 'file')


@pytest.mark.parametrize('encoding', ['gzip', 'br', 'deflate, gzip', ' GZIP'])
def test_a_content_encoding_is_refused(get, internet, encoding):
    file = internet.put(ADDRESS, b'x' * 1000, headers={'Content-Encoding': encoding})
    with pytest.raises(EnvironmentFault, match='sends it encoded'):
        get()
    assert len(file.asked) == 1


@pytest.mark.parametrize('headers', [{'Content-Encoding': 'gzip'}, {'Retry-After': '1 jan , 1'}])
def test_an_error_is_told_by_its_status(get, internet, headers):
    internet.put(ADDRESS, b'x', first=[(503, headers)])
    assert get().read_bytes() == b'x'
    internet.put(ADDRESS, b'x', first=[(404, headers)])
    with pytest.raises(EnvironmentFault, match='not there any more'):
        download.download(web(ADDRESS), get().with_name('other'), lambda path: '')


def test_an_encoded_page_of_drive_is_not_read(monkeypatch):
    answer = requests.Response()  # without a body that could be read
    answer.status_code, answer.headers = 404, {'Content-Type': 'text/html', 'Content-Encoding': 'gzip'}
    monkeypatch.setattr(pages, 'get', lambda *arguments: answer)
    assert pages._ask('x', 'https://drive.google.com/uc', {}) is answer


@pytest.mark.parametrize('location', ['http://[::1', 'http://[x]/', 'http://\xff\xfe/x', 'http://x:y/'])
def test_a_redirect_to_no_address(get, internet, location):
    file = internet.put(ADDRESS, b'x', first=[(302, {'Location': location})] * 9)
    with pytest.raises(EnvironmentFault) as caught:
        get()
    assert str(caught.value).isprintable() and len(file.asked) == 1


@pytest.mark.parametrize('charset', ['idna', 'punycode', 'undefined', 'nobody-knows', 'hex', 'latin-1'])
def test_a_page_in_an_odd_encoding(internet, get, charset):
    internet.put(ADDRESS, 'a.é\u200d'.encode() * 100, headers={'Content-Type': f'text/html; charset={charset}'})
    with web(ADDRESS).ask() as answer:
        assert len(read_page(answer)) > 300


@pytest.mark.parametrize('location', ['file:///etc/passwd', 'ftp://files.example/file', 'gopher://x/', 'data:,x'])
def test_a_redirect_to_something_else(get, internet, location):
    file = internet.put(ADDRESS, b'x', first=[(302, {'Location': location})])
    with pytest.raises(EnvironmentFault, match=r'not http\(s\)'):
        get()
    assert len(file.asked) == 1


@pytest.mark.parametrize('behaviour', [dict(length=True), dict(length=False), dict(chunk=1 << 12)],
                         ids=['length', 'no length', 'chunks'])
def test_a_body_that_trickles(get, internet, monkeypatch, behaviour):
    """Every byte comes in time, the file would not; what came before is kept, and the next answers are faster."""
    monkeypatch.setattr(web_module, 'SLOWEST', 0.2)
    body = os.urandom(400_000)
    file = internet.put(ADDRESS, body, pace=0.3, **behaviour)
    with pytest.raises(EnvironmentFault, match=r'less than 66 kB came in 0 s, 5 tries without progress.*by hand'):
        get()
    assert len(file.asked) == 5
    monkeypatch.setattr(web_module, 'SLOWEST', 60)
    file.pace = 0
    assert get().read_bytes() == body


def test_a_reader_may_take_its_time(get, internet, monkeypatch):
    monkeypatch.setattr(web_module, 'SLOWEST', 0.2)
    internet.put(ADDRESS, b'x' * 200_000)
    with web(ADDRESS).ask() as answer:
        taken = 0
        for block in web_module.blocks(answer):
            taken += len(block)
            time.sleep(0.3)
    assert taken == 200_000


def test_a_body_in_small_chunks(get, internet):
    """In blocks as any other, whole."""
    body = os.urandom(200_001)
    internet.put(ADDRESS, body, chunk=100)
    with web(ADDRESS).ask() as answer:
        found = list(web_module.blocks(answer))
    assert b''.join(found) == body
    assert len(found) == 4 and all(len(block) >= web_module.BLOCK for block in found[:-1])


def test_redirects_without_end(get, internet):
    file = internet.put(ADDRESS, b'x', first=[(302, {'Location': ADDRESS})] * 100)
    with pytest.raises(EnvironmentFault, match='redirected more than 10 times'):
        get()
    assert len(file.asked) == 11


@pytest.mark.parametrize('asked', ['²', 'Wed, 99 Oct 99999999999 07:28:00 GMT', 'Wed, 31 Feb 2022 7:28 +9999999999'])
def test_a_pause_that_is_none(get, internet, asked):
    internet.put(ADDRESS, b'x', first=[(503, {'Retry-After': asked})])
    assert get().read_bytes() == b'x'


@pytest.mark.parametrize('name', ['.file.part', '.file.part.etag'])
def test_links_under_hidden_names_are_not_followed(get, internet, tmp_path, name):
    internet.put(ADDRESS, b'new' * 1000)
    (tmp_path / 'precious').write_bytes(b'mine')
    (tmp_path / name).symlink_to('precious')
    assert get().read_bytes() == b'new' * 1000
    assert (tmp_path / 'precious').read_bytes() == b'mine' and not (tmp_path / 'file').is_symlink()
    assert sorted(os.listdir(tmp_path)) == ['file', 'precious']


def test_a_link_that_comes_in_between(tmp_path):
    (tmp_path / 'link').symlink_to('precious')
    with pytest.raises(OSError, match='symbolic'), open(tmp_path / 'link', 'wb', opener=download._open_own):
        pass
    assert os.listdir(tmp_path) == ['link']


def test_a_link_in_the_lock_files_place(tmp_path):
    (tmp_path / 'precious').write_bytes(b'mine')
    (tmp_path / '.file.lock').symlink_to('precious')
    with pytest.raises(RequestError, match='a link, where a lock file belongs'), locked(tmp_path / 'file'):
        pass
    assert (tmp_path / 'precious').read_bytes() == b'mine'


@pytest.mark.parametrize('pages, limits, reason', [
    ({}, 'PAGE_BYTES = 100', 'a page of more than 0 MB'),
    ({number('row'): [(number('row'), STEM, None)]}, 'FOLDERS = 5', 'more than 5 folders'),  # one that holds itself
])
def test_a_listing_without_end(fetch, drive, pages, limits, reason):
    drive.folder(FOLDER, 'HEAD', [(number('row'), STEM, None)])
    for name, entries in {number('row'): [(number('x.pth'), 'x.pth', BINARY)], **pages}.items():
        drive.folder(name, STEM, entries)
    module = 'web' if 'PAGE' in limits else 'drive'
    before = f'import head.fetch.{module}; head.fetch.{module}.{limits}'
    assert reason in fetch('checkpoint', 'config=head_r18', before=before, status=3)
    assert drive.listed < 10


def archive(path, content, **options):
    with zipfile.ZipFile(path, 'w', **options) as file:
        for name, body in content:
            file.writestr(name, body)
    return path


@pytest.mark.parametrize('name', [
    'part/../../outside', 'part//etc/outside', 'part/deeper/x', 'part/a\x1b[2Jb', 'part/..'])
def test_names_in_an_archive_that_are_none(tmp_path, name):
    path = archive(tmp_path / 'x.zip', [('part/fine', b'x'), (name, b'x')])
    with pytest.raises(RequestError, match=r'no file of part/, not unpacked') as caught:
        archives.unpack(path, tmp_path, 'part', growth=4)
    assert os.listdir(tmp_path) == ['x.zip'] and str(caught.value).isprintable()


def test_an_archive_that_becomes_too_much(tmp_path):
    path = archive(tmp_path / 'x.zip', [('part/x', bytes(1_000_000))], compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(RequestError, match='more than 4 times its size'):
        archives.unpack(path, tmp_path, 'part', growth=4)
    assert os.listdir(tmp_path) == ['x.zip']


def test_an_archive_whose_file_is_longer_than_it_says(tmp_path):
    path = archive(tmp_path / 'x.zip', [('part/x', bytes(1_000_000))], compression=zipfile.ZIP_DEFLATED)
    raw = path.read_bytes()
    path.write_bytes(raw.replace((1_000_000).to_bytes(4, 'little'), (1000).to_bytes(4, 'little')))
    with pytest.raises(RequestError, match='not a whole archive'):
        archives.unpack(path, tmp_path, 'part', growth=4)
    assert sum(one.stat().st_size for one in tmp_path.rglob('*') if one.is_file()) < 10_000


def test_a_link_in_the_hidden_places_stead(tmp_path):
    (tmp_path / 'precious').mkdir()
    (tmp_path / '.part.unpacking').symlink_to('precious')
    unpacked = archives.unpack(archive(tmp_path / 'x.zip', [('part/x', b'x')]), tmp_path, 'part', growth=4)
    assert (unpacked / 'x').read_bytes() == b'x' and not os.listdir(tmp_path / 'precious')
