"""`fetch pretrained`: every way in which a download can go wrong."""

import fcntl
import os
import signal
import struct
import termios
import time

import pytest

from head import catalog
from head.cli import main

from .conftest import disk, hidden_path, wait_until

ONE = ('pretrained', 'config=retinanet_r18')
"""Only resnet18."""

NAME = 'resnet18-f37072fd.pth'


@pytest.fixture
def target(tmp_path):
    """Where resnet18 goes."""
    return tmp_path / 'pretrained' / 'torchvision' / NAME


def test_all_go_where_the_configs_look(fetch, weights, tmp_path):
    out = fetch('pretrained')
    for name, file in catalog.files().items():
        assert (tmp_path / file.path).read_bytes() == weights[name].body
    assert len(out.splitlines()) == len(weights)
    assert 'is there' in fetch('pretrained') and all(len(file.asked) == 1 for file in weights.values())


def test_only_those_of_a_config_into_another_folder(fetch, weights, tmp_path):
    fetch('pretrained', 'config=head_mnv2', 'pretrained=elsewhere')
    names = {path.name for path in (tmp_path / 'elsewhere').rglob('*.pth')}
    assert names == {os.path.basename(catalog.files()[name].path) for name in catalog.models()['head_mnv2'].files}
    assert not (tmp_path / 'pretrained').exists()


def test_several_at_once(fetch, weights, internet):
    for file in weights.values():
        file.pace = 0.02
    fetch('pretrained')
    assert internet.most_open > 1


def test_cut_connections_are_resumed(fetch, weights, target):
    file = weights['resnet18']
    file.cuts = [100_000, 100_000]
    fetch(*ONE)
    assert target.read_bytes() == file.body and not hidden_path(target.parent)
    assert file.asked[0] is None and len(file.asked) == 3 and all(file.asked[1:])
    assert file.served < len(file.body) + 2 * 70_000  # at most a block is lost at each cut


def test_the_same_without_etag_and_length(fetch, weights, target):
    file = weights['resnet18']
    file.etag, file.length, file.cuts = None, False, [100_000]
    fetch(*ONE)
    assert target.read_bytes() == file.body and len(file.asked) == 2


def test_a_server_without_ranges_starts_anew(fetch, weights, target):
    file = weights['resnet18']
    file.ranges, file.cuts = False, [100_000, 200_000]
    fetch(*ONE)
    assert target.read_bytes() == file.body


def test_killed_and_resumed(fetch, weights, target):
    file = weights['resnet18']
    file.pace = 0.1
    process = fetch.start(*ONE)
    part = target.parent / f'.{NAME}.part'
    wait_until(lambda: part.exists() and part.stat().st_size > 100_000, process)
    process.kill()
    process.communicate()
    assert not target.exists()
    have, file.pace = part.stat().st_size, 0
    fetch(*ONE)
    assert target.read_bytes() == file.body and not hidden_path(target.parent)
    assert file.asked[-1] == f'bytes={have}-' and file.given[-1] == len(file.body) - have


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interruption_ends_at_once_and_keeps_the_partial_file(fetch, weights, target, number):
    for file in weights.values():
        file.pace = 5
    process = fetch.start('pretrained')
    wait_until(lambda: sum(file.served > 0 for file in weights.values()) >= 3, process)
    time.sleep(0.3)
    process.send_signal(number)
    _, complaint = process.communicate(timeout=120)
    assert process.returncode == 75 and complaint == 'head: interrupted\n'
    assert list(target.parent.glob('.*.part'))


def test_a_changed_file_is_not_glued_to_the_old_part(fetch, weights, target):
    file = weights['resnet18']
    target.parent.mkdir(parents=True)
    (target.parent / f'.{NAME}.part').write_bytes(b'old' * 50_000)
    (target.parent / f'.{NAME}.part.etag').write_text(f'https://download.pytorch.org/models/{NAME}\n"before"')
    fetch(*ONE)
    assert target.read_bytes() == file.body and file.asked == ['bytes=150000-']


def test_a_part_of_another_address_is_left_to_the_hash(fetch, weights, target):
    """A mirror's may be right; this one is not, and the file is fetched from its beginning."""
    file = weights['resnet18']
    target.parent.mkdir(parents=True)
    (target.parent / f'.{NAME}.part').write_bytes(b'old' * 50_000)
    (target.parent / f'.{NAME}.part.etag').write_text('https://download.pytorch.org/other\n"one"')
    fetch(*ONE)
    assert target.read_bytes() == file.body and file.asked == ['bytes=150000-', None]


def test_a_wrong_part_of_a_server_without_etags_is_dropped(fetch, weights, target):
    file = weights['resnet18']
    file.etag = None
    target.parent.mkdir(parents=True)
    (target.parent / f'.{NAME}.part').write_bytes(b'old' * 50_000)
    fetch(*ONE)
    assert target.read_bytes() == file.body and file.asked == ['bytes=150000-', None]


@pytest.mark.parametrize('surplus', [b'', b'more'])
def test_a_whole_or_too_long_part(fetch, weights, target, surplus):
    """Killed between the last byte and the renaming; the size of this one is not in the catalog."""
    file = weights['mobilenet_v2']
    path = target.parents[1] / 'mmdetection' / 'mobilenet_v2_batch256_imagenet-ff34753d.pth'
    path.parent.mkdir(parents=True)
    (path.parent / f'.{path.name}.part').write_bytes(file.body + surplus)
    fetch('pretrained', 'config=retinanet_mnv2')
    assert path.read_bytes() == file.body and file.asked == [f'bytes={len(file.body + surplus)}-'] + [None] * len(
        surplus[:1])


def test_wrong_bytes_are_tried_twice(fetch, weights, target):
    file = weights['resnet18']
    right, file.body = file.body, os.urandom(len(file.body))
    line = fetch(*ONE, status=3)
    assert file.asked == [None, None] and not target.exists() and not hidden_path(target.parent)
    wanted = fetch.catalog.joinpath('files.yaml').read_text()
    assert NAME in line and 'https://download.pytorch.org/models/' in line and 'by hand' in line
    assert line.split(', not ')[1][:8] in wanted and line.split('begins with ')[1][:8] not in wanted
    file.body = right
    fetch(*ONE)
    assert target.read_bytes() == right


def test_a_body_without_end_is_not_waited_for(fetch, weights):
    weights['resnet18'].body *= 30
    fetch(*ONE, status=3)
    assert weights['resnet18'].served < 12_000_000


def test_busy_servers_are_waited_for(fetch, weights, target):
    file = weights['resnet18']
    file.first = [(503, {'Retry-After': '1'}), (429, {'Retry-After': 'Wed, 21 Oct 2015 07:28:00 GMT'}), (500, {})]
    start = time.time()
    fetch(*ONE)
    assert target.read_bytes() == file.body and time.time() - start > 1


def test_one_that_asks_for_an_hour_is_not(fetch, weights):
    weights['resnet18'].first = [(503, {'Retry-After': '3600'})]
    assert 'asks to wait 3600 s' in fetch(*ONE, status=3)


@pytest.mark.parametrize('status, tries', [(403, 1), (404, 1), (503, 5)])
def test_refusals(fetch, weights, target, status, tries):
    file = weights['resnet18']
    file.first = [(status, {})] * 9
    line = fetch(*ONE, status=3)
    assert len(file.asked) == tries and str(status) in line and str(NAME) in line and 'by hand' in line


def test_redirects_are_followed(fetch, weights, internet, target):
    file = weights['resnet18']
    mirror = internet.put('http://mirror.example/file', file.body)
    file.first = [(302, {'Location': 'http://mirror.example/file'})]
    fetch(*ONE)
    assert target.read_bytes() == file.body and mirror.asked == [None]


def test_no_network(fetch, weights, internet, target):
    internet.refused = True
    line = fetch(*ONE, status=3)
    assert '5 tries without progress' in line and NAME in line


def test_no_progress_gives_up_though_bytes_come(fetch, weights):
    file = weights['resnet18']
    file.ranges, file.cuts = False, [100_000] * 50
    assert 'tries without progress' in fetch(*ONE, status=3)
    assert len(file.asked) == 6


def test_one_failure_does_not_stop_the_others(fetch, weights, tmp_path):
    weights['resnet50'].first = [(404, {})]
    assert 'resnet50' in fetch('pretrained', status=3)
    assert len(list((tmp_path / 'pretrained').rglob('*.pth'))) == len(weights) - 1


def test_a_damaged_file_is_named_and_kept(fetch, weights, target):
    target.parent.mkdir(parents=True)
    target.write_bytes(b'mine')
    line = fetch(*ONE, status=2)
    assert 'damaged' in line and 'move it away' in line and target.read_bytes() == b'mine'
    assert not weights['resnet18'].asked


def test_two_at_once(fetch, weights, target):
    file = weights['resnet18']
    file.pace = 0.05
    first, second = fetch.start(*ONE), fetch.start(*ONE)
    out = first.communicate(timeout=30)[0] + second.communicate(timeout=30)[0]
    assert first.returncode == second.returncode == 0
    assert target.read_bytes() == file.body and file.served == len(file.body)
    assert out.count('fetched') == 1 and out.count('waiting') == 1 and out.count('is there') == 1


def test_progress_on_a_terminal_only(fetch, weights):
    weights['resnet18'].pace = 0.05
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack('4H', 24, 120, 0, 0))
    process = fetch.start(*ONE, stderr=theirs)
    out, _ = process.communicate(timeout=30)
    os.set_blocking(ours, False)
    drawn = os.read(ours, 100_000).decode()
    os.close(theirs)
    os.close(ours)
    assert process.returncode == 0 and NAME in drawn and 'B/s' in drawn
    assert len(out.splitlines()) == 1 and 'fetched, 0.3 MB' in out


def test_a_full_disk(fetch, weights, target):
    weights['resnet18'].body *= 100
    line = fetch(*ONE, before=disk(10_000_000), status=3)
    assert 'needs 0.03 GB, has 0.01 GB free' in line and not target.exists()


@pytest.mark.parametrize('before', [
    'import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))',
    'import errno, head.fetch.download as module\n'
    'class Bar(module.tqdm):\n'
    '    def update(self, n=1): raise OSError(errno.EDQUOT, "Disk quota exceeded")\n'
    'module.tqdm = Bar',
])
def test_a_disk_that_takes_no_more(fetch, weights, target, before):
    line = fetch(*ONE, before=before, status=3)
    assert f'pretrained/torchvision/{NAME}: cannot be written (' in line and 'GB free' in line
    fetch(*ONE)
    assert target.read_bytes() == weights['resnet18'].body


def test_a_filesystem_without_locks(fetch, weights):
    before = ('import fcntl, errno\n'
              'def flock(*_): raise OSError(errno.ENOSYS, "Function not implemented")\n'
              'fcntl.flock = flock')
    assert 'torchvision: its filesystem has no file locks' in fetch(*ONE, before=before, status=3)


@pytest.mark.parametrize('words, hint', [
    ((), 'coco, pretrained, checkpoint, tiny, all, lock'),
    (('everything', ), 'coco, pretrained, checkpoint, tiny, all, lock'),
    (('coco', 'tiny'), 'one of'),
    (('checkpoint', ), 'needs config='),
    (('pretrained', 'config=head_r19'), 'head_r18'),
    (('pretrained', 'pretrained=none'), 'name a folder'),
    (('coco', 'images=4'), 'it takes data'),
    (('lock', 'data=x'), 'none'),
])
def test_bad_requests(words, hint, capsys):
    assert main(['fetch', *words]) == 2
    line, = capsys.readouterr().err.splitlines()
    assert hint in line
