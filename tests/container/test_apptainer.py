"""Apptainer, in a root file system of Debian sid, runs the image as an ordinary user."""

import os
import subprocess

import pytest

from .conftest import IMAGE, UID, checked
from .engine import have, say

pytestmark = pytest.mark.container

# in a mount namespace of its own, with that root: in a mere chroot nobody may make user namespaces
ENTER = '''
set -euo pipefail
root=$1 work=$2 coco=$3; shift 3
mount --bind "$root" "$root"
for name in proc sys dev; do mount --rbind "/$name" "$root/$name"; done
# everybody's, as on machines that people log in to
mknod -m 666 "$work/fuse" c 10 229 2>/dev/null || true
mount --bind "$work/fuse" "$root/dev/fuse"
mount --bind "$work" "$root/mnt"
mount --bind "$coco" "$root/srv"
mkdir -p "$root/old"
cd "$root"
pivot_root . old
umount -l /old
cd /mnt
exec setpriv --reuid USER --regid USER --clear-groups env -i PATH=/usr/bin:/bin HOME=/home/user PYTHONPATH=/mnt "$@"
'''.replace('USER', str(UID))


@pytest.fixture(scope='module')
def root(cache):
    """Debian with Apptainer, kept in the cache."""
    have('debootstrap', 'debootstrap')
    folder = cache / 'apptainer-root'
    if not (folder / 'usr/bin/apptainer').exists() or not (folder / 'usr/bin/squashfuse').exists():
        say('making a root file system with Apptainer')
        subprocess.run(['rm', '-rf', '--one-file-system', folder], check=True)
        checked(subprocess.run(['debootstrap', '--variant=minbase', '--include=apptainer,squashfuse', 'sid', folder],
                               capture_output=True, text=True))
    if f':{UID}:' not in (folder / 'etc/passwd').read_text():
        checked(subprocess.run(['chroot', folder, 'useradd', '--uid', str(UID), '--create-home', 'user'],
                               capture_output=True, text=True))
    (folder / 'etc/hosts').write_text('127.0.0.1 localhost\n')
    return folder


@pytest.fixture(scope='module')
def apptainer(docker, root, coco, tmp_path_factory):
    """Run `apptainer WORDS…` where the file of the image lies; its folder is `apptainer.work`."""
    work = tmp_path_factory.mktemp('apptainer')
    os.chown(work, UID, UID)

    def run(*words):
        return subprocess.run(
            ['unshare', '--mount', '--propagation', 'private', 'bash', '-c', ENTER, '-', root, work, coco, 'apptainer',
             *words], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=docker.limit)

    run.work = work
    checked(docker('save', IMAGE, '--output', work / 'head.tar'))
    (work / 'head.tar').chmod(0o644)
    # hardly compressed: it lives for minutes
    checked(run('build', '--mksquashfs-args', '-comp zstd -Xcompression-level 1', 'head.sif',
                'docker-archive:head.tar'))
    (work / 'head.tar').unlink()
    yield run
    (work / 'head.sif').unlink()


def head(apptainer, *words):
    """A command line of docs/apptainer.md; results go to `results`."""
    results = apptainer.work / 'results'
    results.mkdir(exist_ok=True)
    os.chown(results, UID, UID)
    return apptainer('--silent', 'run', '--containall', '--no-home', '--pwd', '/head', '--env', 'OMP_NUM_THREADS=1',
                     '--bind', '/srv:/head/data/coco:ro,/mnt/results:/head/work_dirs', 'head.sif', *words)


def test_it_trains(apptainer):
    """With results of the user who called it; nothing else can be written."""
    done = checked(head(apptainer, 'train', 'config=head_r18', 'pretrained=none', 'iters=2', 'work_dir=work_dirs/run',
                        'data.train.pipeline.2.img_scale=[(160,96),(160,128)]', 'data.workers_per_gpu=1'))
    assert 'Tini is not running' not in done.stderr
    assert (apptainer.work / 'results/run/iter_2.pth').stat().st_uid == UID
    done = head(apptainer, 'touch', 'x')
    assert done.returncode and 'Read-only file system' in done.stderr


def test_it_refuses_with_its_own_status(apptainer):
    done = head(apptainer, 'train', 'config=head_r81')
    assert done.returncode == 2 and 'did you mean head_r18' in done.stderr.strip().splitlines()[-1]


def test_called_in_the_simplest_way(apptainer):
    """Where the host's environment, a wrong PYTHONPATH in it, comes along."""
    (apptainer.work / 'torch.py').write_text('raise SystemExit("not this one")\n')
    done = checked(apptainer('--silent', 'run', 'head.sif', 'doctor'))
    assert 'torch for' in done.stdout
