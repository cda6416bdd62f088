"""`fetch checkpoint`, `lock` and `all`: the authors' folder on Google Drive."""

import hashlib
import json
import os
import subprocess
import sys

import pytest
import yaml

from head import catalog
from head.errors import RequestError
from head.fetch import released as released_module
from head.fetch.drive import Listing
from head.fetch.row_files import checkpoint_path, log_path

from .authors_folder import BINARY, CONFIG, FOLDER, STEM, number
from .conftest import disk, hidden_path, wait_until


@pytest.fixture
def released(drive):
    """The authors' folder with one folder of head_r18; returns file name -> `stand_in.File`."""
    names = ('epoch_11.pth', 'epoch_12.pth', '20220101_000000.log.json', '20220102_000000.log.json')
    drive.folder(FOLDER, 'HEAD', [(number('row'), STEM, None)])
    drive.folder(number('row'), STEM, [(number(name), name, BINARY) for name in names])
    drive.warned = {number('epoch_12.pth')}
    return {name: drive.file(number(name), os.urandom(200_000)) for name in names}


@pytest.fixture
def place(tmp_path):
    """Where head_r18's files go."""
    return tmp_path / 'work_dirs' / 'released' / 'head_r18'


def entry(name, body):
    """What a lock says of a file."""
    return dict(path=f'{STEM}/{name}', id=number(name), size=len(body), sha256=hashlib.sha256(body).hexdigest())


@pytest.fixture
def locked(released, edit):
    """The lock with head_r18's checkpoint."""
    file = entry('epoch_12.pth', released['epoch_12.pth'].body)
    edit('released.yaml', lambda content: content.update(files=dict(head_r18=dict(checkpoint=file))))
    return file


def test_what_another_rows_folder_hides_is_not_missed(fetch, released, drive, place):
    other = 'retina_faster_mnv2_fpn_mstrain_1x_coco'
    names = [f'events_{count}' for count in range(50)]
    drive.folder(FOLDER, 'HEAD', [(number('row'), STEM, None), (number('other'), other, None)])
    drive.folder(number('other'), other, [(number(name), name, BINARY) for name in names])
    assert 'no checkpoint was released' in fetch('checkpoint', 'config=fitnet_r18', status=2)


def test_without_a_lock_it_is_found_recorded_and_unconfirmed(fetch, released, drive, place):
    out = fetch('checkpoint', 'config=head_r18')
    assert (place / 'epoch_12.pth').read_bytes() == released['epoch_12.pth'].body
    assert (place / '20220102_000000.log.json').read_bytes() == released['20220102_000000.log.json'].body
    assert sorted(path.name for path in place.iterdir() if path.name[0] != '.') == [
        '20220102_000000.log.json', 'epoch_12.pth']
    assert out.count('unconfirmed') == 2 and drive.confirmed == [number('epoch_12.pth')] and not hidden_path(place)
    record = yaml.safe_load((place.parent / 'released.yaml').read_text())
    assert record['folder'] == FOLDER
    assert record['files']['head_r18']['checkpoint'] == entry('epoch_12.pth', released['epoch_12.pth'].body)
    listed = drive.listed
    assert fetch('checkpoint', 'config=head_r18').count('is there') == 2 and drive.listed == listed


def test_with_a_lock_no_listing_is_needed(fetch, released, drive, place, locked):
    released['epoch_12.pth'].cuts = [100_000]
    out = fetch('checkpoint', 'config=head_r18')
    assert (place / 'epoch_12.pth').read_bytes() == released['epoch_12.pth'].body
    assert 'unconfirmed' not in out and drive.listed == 0 and 'no log' in out
    assert released['epoch_12.pth'].asked[1].startswith('bytes='), 'resumed behind the confirmation page too'


def test_a_config_file_means_its_row(fetch, released, place, locked):
    fetch('checkpoint', f'config={catalog.ROOT / CONFIG}')
    assert (place / 'epoch_12.pth').exists()


def test_another_file_than_the_lock_says(fetch, released, place, locked):
    released['epoch_12.pth'].body = os.urandom(200_000)
    line = fetch('checkpoint', 'config=head_r18', status=3)
    assert locked['sha256'] in line and hashlib.sha256(released['epoch_12.pth'].body).hexdigest() in line
    assert not (place / 'epoch_12.pth').exists()


def test_another_file_than_the_record_says(fetch, released, place):
    fetch('checkpoint', 'config=head_r18')
    (place / 'epoch_12.pth').write_bytes(b'other')
    assert 'damaged or another file' in fetch('checkpoint', 'config=head_r18', status=2)
    (place / 'epoch_12.pth').unlink()
    released['epoch_12.pth'].body = os.urandom(200_000)
    assert 'a different file' in fetch('checkpoint', 'config=head_r18', status=3)


def test_put_there_by_hand(fetch, released, place, locked):
    place.mkdir(parents=True)
    (place / 'epoch_12.pth').write_bytes(released['epoch_12.pth'].body)
    fetch('checkpoint', 'config=head_r18')
    assert not released['epoch_12.pth'].asked


def test_the_quota_is_used_up(fetch, released, drive, place, locked):
    drive.exhausted = {locked['id']}
    line = fetch('checkpoint', 'config=head_r18', status=3)
    assert 'quota' in line and 'cookies.txt' in line and str(place.name) in line and locked['id'] in line


def test_cookies_are_sent(fetch, released, internet, tmp_path, locked):
    path = tmp_path / 'home' / '.cache' / 'gdown' / 'cookies.txt'
    path.parent.mkdir(parents=True)
    path.write_text('# Netscape HTTP Cookie File\n.google.com\tTRUE\t/\tTRUE\t9999999999\tSID\tmine\n')
    fetch('checkpoint', 'config=head_r18')
    assert 'SID=mine' in internet.cookies


@pytest.mark.parametrize('known', [True, False])
@pytest.mark.parametrize('name', ['home/.cache/gdown/cookies.txt', 'work_dirs/cookies.txt'])
@pytest.mark.parametrize('content', [b'nonsense', b'\xff\xfe\x00c\x00o', None])
def test_cookies_that_cannot_be_read(fetch, released, edit, tmp_path, content, name, known):
    """Before a listing, and before a file that the lock knows."""
    if known:
        file = entry('epoch_12.pth', released['epoch_12.pth'].body)
        edit('released.yaml', lambda content: content.update(files=dict(head_r18=dict(checkpoint=file))))
    path = tmp_path / name
    path.parent.mkdir(parents=True)
    path.mkdir() if content is None else path.write_bytes(content)
    line = fetch('checkpoint', 'config=head_r18', status=2)
    assert f'{name}: no cookies file that can be read' in line and 'remove it' in line


def test_cookies_of_the_mounted_folder_come_first(fetch, released, internet, tmp_path, drive, locked):
    for name, value in (('home/.cache/gdown/cookies.txt', 'home'), ('work_dirs/cookies.txt', 'mounted')):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(
            f'# Netscape HTTP Cookie File\n.google.com\tTRUE\t/\tTRUE\t9999999999\tSID\t{value}\n')
    drive.exhausted = {locked['id']}
    assert '~/.cache/gdown/cookies.txt' in fetch('checkpoint', 'config=head_r18', status=3)
    before = 'import os; os.environ["HEAD_IMAGE"] = "paper-cpu"'
    assert 'into work_dirs/cookies.txt' in fetch('checkpoint', 'config=head_r18', before=before, status=3)
    assert internet.cookies == {'SID=mounted'}


@pytest.mark.parametrize('form, hint', [
    ('<form id="download-form">', 'gdown cannot read (KeyError)'),
    ('<form id="download-form" action="/download">', 'leads nowhere'),
    ('<form id="download-form" action="javascript:go()">', 'leads nowhere'),
    ('<form id="download-form" action="https://[odd">', 'gdown cannot read (ValueError)'),
])
def test_a_confirmation_that_is_none(fetch, released, internet, drive, locked, form, hint):
    page = internet.put('https://drive.google.com/uc', f'<html><body>{form}</form></body></html>'.encode(),
                        headers=drive.PAGE)
    assert hint in fetch('checkpoint', 'config=head_r18', status=3) and len(page.asked) == 1


def test_a_file_that_is_gone(fetch, drive, released, locked):
    del drive.files[locked['id']]
    assert '404' in fetch('checkpoint', 'config=head_r18', status=3)


def test_a_folder_that_is_gone(fetch, internet):
    line = fetch('checkpoint', 'config=head_r18', status=3)
    assert '404' in line and FOLDER in line


def test_no_network(fetch, internet):
    internet.refused = True
    line = fetch('checkpoint', 'config=head_r18', status=3)
    assert FOLDER in line and '5 tries' in line


@pytest.mark.parametrize('page', [b'<html>sign in</html>', b'<html><script>_DRIVE_ivd = \'a\'; \'b\'</script></html>'])
def test_a_page_that_is_no_listing(fetch, internet, page):
    internet.put(f'https://drive.google.com/drive/folders/{FOLDER}', page, headers={'Content-Type': 'text/html'})
    assert 'not what gdown reads' in fetch('checkpoint', 'config=head_r18', status=3)


def test_a_subfolder_that_is_refused(fetch, drive):
    drive.folder(FOLDER, 'HEAD', [(number('gone'), STEM, None)])
    assert '404' in fetch('checkpoint', 'config=head_r18', status=3)


def test_a_listing_that_never_comes(fetch, internet, released):
    internet.put(f'https://drive.google.com/drive/folders/{number("row")}', b'<html>' * 9999, pace=99)
    before = 'import head.fetch.drive, head.fetch.retry; head.fetch.drive.LISTING_SECONDS = 0.3; ' \
             'head.fetch.retry.TRIES = 1'
    assert 'TimeoutError' in fetch('checkpoint', 'config=head_r18', before=before, status=3)


def test_a_row_that_the_folder_lacks(fetch, released):
    line = fetch('checkpoint', 'config=head_mnv2', status=2)
    assert 'head_mnv2' in line and FOLDER in line


def test_a_row_beyond_what_drive_lists(fetch, drive):
    drive.folder(FOLDER, 'HEAD', [(number(f'other{i}'), f'other{i}.pth', BINARY) for i in range(50)])
    line = fetch('checkpoint', 'config=head_r18', status=2)
    assert 'cut off after 50' in line and 'by hand' in line


@pytest.mark.parametrize('deeper', ['', 'rest/'])
def test_the_last_of_what_drive_lists_may_not_be_the_last(fetch, drive, place, deeper):
    names = [f'epoch_{i}.pth' for i in (1, 2)] + [f'{i}.txt' for i in range(48)]
    entries = [(number(f'long-{name}'), name, BINARY) for name in names]
    if deeper:  # the cut one is above
        drive.folder(FOLDER, 'HEAD', [(number('row'), STEM, None)] + [
            (number(f'other{i}'), f'other{i}', BINARY) for i in range(49)])
        entries = entries[:2]
    else:
        drive.folder(FOLDER, 'HEAD', [(number('row'), STEM, None)])
    drive.folder(number('row'), STEM, entries)
    line = fetch('checkpoint', 'config=head_r18', status=2)
    assert 'cut off after 50 entries' in line and 'by hand' in line and not place.exists()


def test_names_of_folders_are_printable(monkeypatch):
    """They are anybody's, who can write to the folder."""
    monkeypatch.setattr(released_module, 'list_folder', lambda folder: Listing({}, ('x\x1b[31m', )))
    with pytest.raises(RequestError, match=r'cut off after 50 entries of x\\x1b\[31m; download') as caught:
        released_module._listed(catalog.known_row('head_r18'), 'checkpoint')
    assert str(caught.value).isprintable()


def test_the_only_one_of_what_drive_lists(fetch, drive, place):
    drive.folder(FOLDER, 'HEAD', [(number('row'), STEM, None)])
    drive.folder(number('row'), STEM, [(number('epoch_12.pth'), 'epoch_12.pth', BINARY)] + [
        (number(f'other{i}'), f'{i}.txt', BINARY) for i in range(49)])
    drive.file(number('epoch_12.pth'), b'x' * 1000)
    out = fetch('checkpoint', 'config=head_r18')
    assert f'cut off after 50 entries of {STEM}; taken: {STEM}/epoch_12.pth' in out


def test_names_that_are_tricks(fetch, drive, tmp_path):
    drive.folder(FOLDER, 'HEAD', [
        (number('row'), STEM, None),
        (number('a'), f'{STEM}/../../../outside.pth', BINARY),
        (number('b'), f'{STEM}\x1b[2J.pth', BINARY),
        (number('c'), f'../{STEM}.pth', BINARY),
    ])
    drive.folder(number('row'), STEM, [(number('d'), '.released.pth', BINARY), (number('e'), '..', BINARY)])
    for name in 'abcde':
        drive.file(number(name), b'x' * 1000)
    line = fetch('checkpoint', 'config=head_r18', status=2)
    assert 'no checkpoint' in line and '\x1b' not in line
    assert not list(tmp_path.rglob('*outside*')) and not list(tmp_path.rglob('*.pth'))


def test_an_id_that_is_a_trick(fetch, drive, tmp_path):
    drive.folder(FOLDER, 'HEAD', [('x&confirm=t', f'{STEM}.pth', BINARY)])
    assert 'no checkpoint' in fetch('checkpoint', 'config=head_r18', status=2)
    assert not (tmp_path / 'work_dirs').exists()


def test_two_at_once(fetch, released, place):
    released['epoch_12.pth'].pace = 0.05
    processes = [fetch.start('checkpoint', 'config=head_r18') for _ in range(2)]
    printed = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], printed
    assert released['epoch_12.pth'].served == 200_000


def test_killed_and_resumed(fetch, released, place, locked):
    file = released['epoch_12.pth']
    file.pace = 0.1
    process = fetch.start('checkpoint', 'config=head_r18')
    part = place / '.epoch_12.pth.part'
    wait_until(lambda: part.exists() and part.stat().st_size > 60_000, process)
    process.kill()
    process.communicate()
    have, file.pace = part.stat().st_size, 0
    fetch('checkpoint', 'config=head_r18')
    assert file.given[-1] == 200_000 - have and (place / 'epoch_12.pth').read_bytes() == file.body


def test_what_eval_calls(fetch, released, locked, place):
    """`released.obtain_checkpoint` in a process of its own, which needs the stand-in's proxy."""
    code = f"""
import sys, json, pathlib, head.catalog
head.catalog.FOLDER = pathlib.Path({str(fetch.catalog)!r})
from head.fetch.released import obtain_checkpoint
found = obtain_checkpoint(head.catalog.models()['head_r18'], say=lambda line: None)
print(json.dumps([found.path, found.sha256, found.confirmed, 'torch' in sys.modules]))"""
    done = subprocess.run([sys.executable, '-c', code], cwd=str(fetch.place), env=fetch.environment,
                          capture_output=True, text=True)
    assert json.loads(done.stdout) == ['work_dirs/released/head_r18/epoch_12.pth', locked['sha256'], True, False]


def test_lock_writes_the_catalog(fetch, released, drive, own_catalog, place):
    other = 'retinanet_mnv2_fpn_mstrain_1x_coco.pth'
    drive.folder(FOLDER, 'HEAD', [(number('row'), STEM, None), (number('other'), other, BINARY)])
    body = drive.file(number('other'), os.urandom(1000)).body
    out = fetch('lock')
    text = (own_catalog / 'released.yaml').read_text()
    assert text.startswith('# what\n# and why\nfolder: ')
    files = yaml.safe_load(text)['files']
    assert list(files) == ['head_r18', 'retinanet_mnv2'] and 'fitnet_r18: the folder has no checkpoint' in out
    assert files['head_r18']['log']['sha256'] == hashlib.sha256(released['20220102_000000.log.json'].body).hexdigest()
    assert files['retinanet_mnv2'] == dict(checkpoint=dict(
        path=other, id=number('other'), size=1000, sha256=hashlib.sha256(body).hexdigest()))
    assert 'unconfirmed' not in fetch('checkpoint', 'config=head_r18')
    fetch('lock')
    assert (own_catalog / 'released.yaml').read_text() == text


def test_lock_keeps_what_it_cannot_fetch(fetch, released, drive, own_catalog, locked):
    drive.exhausted = {locked['id']}
    fetch('lock', status=3)
    assert yaml.safe_load((own_catalog / 'released.yaml').read_text())['files'] == dict(
        head_r18=dict(checkpoint=locked))


def test_put_there_by_hand_without_a_lock(fetch, released, place, own_catalog):
    """It is used, and called what it is; but never taken for what the authors published."""
    place.mkdir(parents=True)
    (place / 'epoch_12.pth').write_bytes(b'mine')
    out = fetch('checkpoint', 'config=head_r18')
    assert 'epoch_12.pth: was put there by hand' in out and 'unconfirmed' in out
    assert 'is there' in fetch('checkpoint', 'config=head_r18')
    assert not released['epoch_12.pth'].asked
    line = fetch('lock', status=2)
    assert 'epoch_12.pth: is there, but did not come from' in line and 'move it away' in line
    assert (place / 'epoch_12.pth').read_bytes() == b'mine'
    (place / 'epoch_12.pth').unlink()
    fetch('lock')
    files = yaml.safe_load((own_catalog / 'released.yaml').read_text())['files']
    assert files['head_r18']['checkpoint'] == entry('epoch_12.pth', released['epoch_12.pth'].body)


def test_lock_takes_nothing_for_the_authors_that_is_not(fetch, released, place, own_catalog):
    place.mkdir(parents=True)
    (place / 'epoch_12.pth').write_bytes(b'junk')
    assert 'move it away' in fetch('lock', status=2)
    assert yaml.safe_load((own_catalog / 'released.yaml').read_text())['files'] == {}


def test_lock_after_the_authors_changed_a_file(fetch, released, drive, place, own_catalog):
    fetch('lock')
    before = (own_catalog / 'released.yaml').read_text()
    drive.folder(number('row'), STEM, [(number('again'), 'epoch_12.pth', BINARY)])
    body = drive.file(number('again'), os.urandom(150_000)).body
    assert 'move it away' in fetch('lock', status=2)
    assert (own_catalog / 'released.yaml').read_text() == before
    (place / 'epoch_12.pth').unlink()
    fetch('lock')
    found = yaml.safe_load((own_catalog / 'released.yaml').read_text())['files']['head_r18']['checkpoint']
    assert found == dict(entry('epoch_12.pth', body), id=number('again'))


def test_lock_knows_what_was_downloaded_before(fetch, released, own_catalog):
    fetch('checkpoint', 'config=head_r18')
    fetch('lock')
    assert released['epoch_12.pth'].served == 200_000
    assert 'head_r18' in (own_catalog / 'released.yaml').read_text()


def test_lock_belongs_to_a_checkout(fetch, released, drive):
    before = 'import os; os.environ["HEAD_IMAGE"] = "paper-cpu"'
    assert 'not in an image' in fetch('lock', before=before, status=2) and not drive.listed


def test_lock_of_a_catalog_that_cannot_be_written(fetch, released, drive, locked):
    fail = ('def fail(*_, **__): raise PermissionError(13, "Permission denied")\n'
            'import tempfile, head.fetch.released\n')
    before = f'{fail}tempfile.TemporaryFile = fail'
    assert 'catalog: not writable (Permission denied)' in fetch('lock', before=before, status=2) and not drive.listed
    drive.exhausted = {locked['id']}
    line = fetch('lock', before=f'{fail}head.fetch.release_record.write_text = fail', status=3)
    assert 'quota' in line and 'released.yaml: not written (Permission denied)' in line


def test_a_record_that_cannot_be_read(fetch, released, place):
    place.mkdir(parents=True)
    (place.parent / 'released.yaml').write_text('{')
    line = fetch('checkpoint', 'config=head_r18', status=2)
    assert 'work_dirs/released/released.yaml: ' in line and 'move it away' in line


@pytest.mark.parametrize('etag, address', [(None, ''), ('"one"', ''), ('"one"', 'https://drive.google.com/uc?id=old')])
def test_a_part_of_something_else_is_not_glued(fetch, released, place, etag, address):
    file = released['epoch_12.pth']
    file.etag = etag
    place.mkdir(parents=True)
    (place / '.epoch_12.pth.part').write_bytes(b'old' * 30_000)
    if address:
        (place / '.epoch_12.pth.part.etag').write_text(f'{address}\n"one"')
    fetch('checkpoint', 'config=head_r18')
    assert (place / 'epoch_12.pth').read_bytes() == file.body and file.asked == [None]


@pytest.mark.parametrize('etag', ['"one"', None, 'W/"one"'])
def test_a_first_download_is_resumed_if_the_server_knows_its_version(fetch, released, place, etag):
    file = released['epoch_12.pth']
    file.etag, file.cuts = etag, [100_000]
    fetch('checkpoint', 'config=head_r18')
    assert (place / 'epoch_12.pth').read_bytes() == file.body and not hidden_path(place)
    assert [asked is None for asked in file.asked] == [True, etag != '"one"']


def test_a_first_download_that_changes_while_it_is_fetched(fetch, released, place):
    """A server that gives ranges of the new version though it was asked for the old one."""
    file = released['epoch_12.pth']
    place.mkdir(parents=True)
    (place / '.epoch_12.pth.part').write_bytes(b'old' * 30_000)
    (place / '.epoch_12.pth.part.etag').write_text(f'https://drive.google.com/uc?id={number("epoch_12.pth")}\n"old"')
    file.conditions = False
    fetch('checkpoint', 'config=head_r18')
    assert (place / 'epoch_12.pth').read_bytes() == file.body and file.asked == ['bytes=90000-', None]


def test_a_first_download_of_unknown_length(fetch, released, place):
    released['epoch_12.pth'].length, released['epoch_12.pth'].cuts = False, [100_000]
    assert 'does not say how long it is' in fetch('checkpoint', 'config=head_r18', status=3)
    assert not (place / 'epoch_12.pth').exists()


def test_all(fetch, coco, weights, released, place, tmp_path):
    fetch('all')
    assert (place / 'epoch_12.pth').exists() and (tmp_path / 'data/coco/train2017').is_dir()
    assert len(list((tmp_path / 'pretrained').rglob('*.pth'))) == len(weights)


def test_all_but_drive(fetch, coco, weights, released, drive, locked, tmp_path):
    drive.exhausted = {locked['id']}
    assert 'quota' in fetch('all', status=3)
    assert (tmp_path / 'data/coco/train2017').is_dir()
    assert len(list((tmp_path / 'pretrained').rglob('*.pth'))) == len(weights)


def test_no_room(fetch, released, locked, place):
    assert 'free' in fetch('checkpoint', 'config=head_r18', before=disk(1000), status=3)
    assert not (place / 'epoch_12.pth').exists()


@pytest.mark.parametrize('paths, chosen', [
    ([], None),
    ([f'{STEM}_v2/epoch_12.pth', 'x_' + STEM + '.pth', f'head_dag_{STEM}/latest.pth'], None),
    ([f'{STEM}.pth'], f'{STEM}.pth'),
    ([f'a/{STEM}-36.1/model.pth'], f'a/{STEM}-36.1/model.pth'),
    ([f'{STEM}/epoch_12.pth', f'{STEM}/epoch_9.pth', f'{STEM}/other.pth'], f'{STEM}/epoch_12.pth'),
    ([f'{STEM}/epoch_12.pth', f'{STEM}/latest.pth'], f'{STEM}/latest.pth'),
])
def test_the_rule_for_checkpoints(paths, chosen):
    choice = checkpoint_path(CONFIG, paths)
    assert (choice.path if choice else None) == chosen
    assert not choice or choice.last == ('epoch_9' in ' '.join(paths))


@pytest.mark.parametrize('paths', [
    [f'{STEM}/a.pth', f'{STEM}/b.pth'],
    [f'{STEM}/latest.pth', f'old/{STEM}/latest.pth'],
    [f'a/{STEM}/epoch_12.pth', f'b/{STEM}/epoch_12.pth'],
])
def test_several_checkpoints_and_no_rule(paths):
    with pytest.raises(RequestError) as refused:
        checkpoint_path(CONFIG, paths)
    assert all(path in str(refused.value) for path in paths)


def test_the_rule_for_logs():
    paths = [f'{STEM}/20220101.log.json', f'{STEM}/20220301.log.json', 'other/20220401.log.json', f'{STEM}/x.log']
    assert log_path(CONFIG, paths) == (paths[1], True) and log_path(CONFIG, []) is None
    assert log_path(CONFIG, paths[:1]) == (paths[0], False)
