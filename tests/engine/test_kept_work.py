"""What was in a work dir before a training, or came there from elsewhere, is not lost."""

import os
import shutil
import signal

import pytest
import torch
from mmcv.runner import EpochBasedRunner

from head import catalog
from head.checkpoints import resume
from head.commands import train
from head.engine.interruption import Interruption
from head.engine.run_facts import run_facts
from head.engine.runner import Runner
from head.errors import DONE

from ..training_runs import finish
from .planning import plan, refusal

ROW = str(catalog.CONFIGS / 'retinanet/retinanet_r18_fpn_mstrain_1x_coco.py')


@pytest.fixture
def own(tmp_path):
    """A config of one's own, alone in its folder."""
    folder = tmp_path / 'mine'
    folder.mkdir()
    (folder / 'mine.py').write_text(f'_base_ = {ROW!r}  # a note\n')
    return folder / 'mine.py'


@pytest.fixture
def words(drawn, own):
    return ['train', f'config={own}', f'data={drawn}', 'pretrained=none', 'epochs=1', 'iters=1',
            'log_config.interval=1', 'data.train.pipeline.2.img_scale=[(64,64),(64,64)]']


@pytest.fixture
def work(begun, tmp_path):
    """A copy of a training's work dir."""
    return shutil.copytree(begun, tmp_path / 'work', symlinks=True)


def test_a_config_of_ones_own(words, own, tmp_path):
    """Its copy, without comments and bases, is not written over it, nor through a link."""
    status, line = refusal([*words, f'work_dir={own.parent}'])
    assert status == 2 and str(own) in line
    (tmp_path / 'work').mkdir()
    (tmp_path / 'work/mine.py').symlink_to(tmp_path / 'elsewhere')
    assert refusal([*words, f'work_dir={tmp_path}/work'])[0] == 2


def test_a_config_that_is_gone_at_the_end(words, own, tmp_path):
    found = plan([*words, f'work_dir={tmp_path}/work'])
    own.unlink()
    assert train.carry_out(found, run_facts('cpu')) == DONE
    assert (tmp_path / 'work/verdict.json').is_file()


def test_a_checkpoint_under_a_later_name(work):
    """It is what the run continues from, whatever its name counts."""
    os.rename(work / 'epoch_1.pth', work / 'epoch_9.pth')
    shutil.copy(work / 'epoch_9.pth', work / 'iter_99.pth')
    resume.set_aside(str(work), resume.read(str(work / 'epoch_9.pth')), 8, print)
    assert {path.name for path in work.glob('*_*.pth*')} == {'epoch_9.pth', 'iter_99.pth.set_aside'}
    assert os.readlink(work / 'latest.pth') == 'epoch_9.pth'


def test_the_folders_own_newest_asked_for_by_name(begun_words, work):
    """A batch system's command does, again and again."""
    found = plan([*begun_words, f'work_dir={work}', f'resume={work}/latest.pth', 'epochs=2'])
    assert found.training.begun_from is None and found.training.begun
    found = plan([*begun_words, f'work_dir={work}', f'resume={work}/epoch_1.pth', 'epochs=2'])
    assert found.training.begun_from['path'] == f'{work}/epoch_1.pth'


def test_a_runs_own_seed_comes_before_the_configs(begun_words, work, tmp_path):
    (tmp_path / 'mine.py').write_text(f'_base_ = {str(catalog.find_config("head_r18")[0])!r}\nseed = 1\n')
    words = [word for word in begun_words if not word.startswith('config=')]
    os.rename(work / 'run.json', tmp_path / 'run.json')
    content = torch.load(str(work / 'epoch_1.pth'))
    content['meta'].update(exp_name='mine.py')
    content['meta'].pop('run')
    torch.save(content, str(work / 'epoch_1.pth'))
    found = plan([*words, f'config={tmp_path}/mine.py', f'work_dir={work}', f'resume={work}/latest.pth', 'epochs=2'])
    assert found.cfg.seed == 3407


@pytest.mark.parametrize('named', [False, True])
def test_checkpoints_that_were_moved_away(begun_words, work, tmp_path, named):
    """The log that they count stays, beside that of a training from the beginning; where one is named, it goes on."""
    log, = work.glob('*.log.json')
    before = log.read_bytes()
    (tmp_path / 'archive').mkdir()
    for path in work.glob('*.pth'):
        path.rename(tmp_path / 'archive' / path.name)
    more = [f'resume={tmp_path}/archive/epoch_1.pth', 'epochs=2', 'iters=9'] if named else ['epochs=1', 'iters=1']
    finish(*begun_words, *more, f'work_dir={work}')
    if named:
        rows = [row for row in before.splitlines(keepends=True) if b'"mode": "val"' not in row]
        assert log.read_bytes().startswith(b''.join(rows))
    else:
        assert b'"iter": 8' not in log.read_bytes()
    assert (work / f'{log.name}.set_aside').read_bytes() == before


def test_a_third_press_waits_for_the_checkpoint(monkeypatch):
    def interrupted(self, *_):
        raise KeyboardInterrupt

    def save(self):
        os.kill(os.getpid(), signal.SIGTERM)
        saved.append(sum(range(10000)))  # the signal is answered by now

    saved = []
    monkeypatch.setattr(EpochBasedRunner, 'run', interrupted)
    monkeypatch.setattr(Runner, '_save_last', save)
    runner = Runner.__new__(Runner)
    runner._iter, runner.interruption = 4, Interruption()
    runner.interruption.waits = runner.interruption.pressed = True
    with pytest.raises(KeyboardInterrupt):
        runner.run(None)
    assert saved
