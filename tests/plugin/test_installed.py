"""The method as an installed plug-in: stock mmdet's tools, in an environment that has no checkout."""

import json
import os
import subprocess
import sys

import pytest

from ..conftest import ROOT

pytestmark = pytest.mark.stacks

CONFIG = 'head/head_retina_faster_r18_fpn_mstrain_1x_coco.py'
IMAGES = 8

WEIGHTS = '''
import pathlib, torch, torchvision
from mmcv import Config
from mmdet.models import build_detector
import head.method
cfg = Config.fromfile(CONFIG)
for name, model in (('torchvision/resnet18-f37072fd.pth', torchvision.models.resnet18()),
                    (cfg.model.distiller.teacher.ckpt[len('pretrained/'):],
                     build_detector(cfg.model.distiller.teacher.config))):
    path = pathlib.Path('pretrained', name)
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(model.state_dict(), str(path))
'''
"""Random weights under the names that the config has, where a user has fetched them."""

NO_GPU = 'import torch\ntorch.nn.Module.cuda = lambda self, device=None: self\n'
"""mmdet 2.20 moves the model to a GPU before all else; here there is none."""


@pytest.fixture(scope='module')
def wheel(tmp_path_factory):
    """The project's wheel, built from a copy of what git knows."""
    copy, out = tmp_path_factory.mktemp('source'), tmp_path_factory.mktemp('wheel')
    names = subprocess.run(['git', 'ls-files', '-z'], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    subprocess.run(['tar', '--create', '--null', '--files-from=-', '--file', copy / 'source.tar'], cwd=ROOT,
                   input=names, text=True, check=True)
    subprocess.run(['tar', '--extract', '--file', 'source.tar'], cwd=copy, check=True)
    subprocess.run([sys.executable, '-m', 'pip', 'wheel', '--quiet', '--no-deps', '--wheel-dir', out, copy], check=True)
    found, = out.glob('head_distillation-*.whl')
    return found


class Installed:
    """An environment with a stack's packages and the wheel, and a folder to work in."""

    def __init__(self, folder, stack, wheel):
        self.place = folder / 'place'
        self.place.mkdir()
        subprocess.run([ROOT / 'scripts/run', f'stack={stack}', 'true'], check=True)
        python = ROOT / f'.venv/{stack}/bin/python'
        subprocess.run([python, '-m', 'venv', '--without-pip', folder / 'venv'], check=True)
        self.bin = folder / 'venv/bin'
        site, = (folder / 'venv/lib').glob('python*/site-packages')
        packages, = (ROOT / f'.venv/{stack}/lib').glob('python*/site-packages')
        (site / 'stack.pth').write_text(f'{packages}\n')
        if stack == 'paper':
            (site / 'sitecustomize.py').write_text(NO_GPU)
        self.environment = {name: value for name, value in os.environ.items()
                            if not name.startswith(('HEAD_', 'PYTHON'))}
        self.environment['PATH'] = f'{self.bin}:{os.environ["PATH"]}'
        self.run('python', '-m', 'pip', 'install', '--quiet', '--no-deps', wheel)
        self.mmdet = packages / 'mmdet/.mim/tools'
        self.configs = site / 'head/configs'

    def run(self, *words, status=0):
        """Run a program of the environment; returns what it said."""
        done = subprocess.run([self.bin / words[0], *map(str, words[1:])], cwd=self.place, env=self.environment,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert done.returncode == status, done.stdout
        return done.stdout


@pytest.fixture(scope='module', params=['paper', 'current'])
def installed(request, tmp_path_factory, wheel):
    return Installed(tmp_path_factory.mktemp(request.param), request.param, wheel)


@pytest.fixture(scope='module')
def options(installed, tmp_path_factory, request):
    """Stock mmdet's words for a short training on a few real images."""
    shared = ROOT.parent / 'shared/coco_tiny'
    if not shared.is_dir():
        pytest.skip('no real images beside the checkout')
    # a detector that has learnt nothing is sure of nothing: without the low threshold it would detect nothing
    words = ['data.workers_per_gpu=0', 'runner.max_epochs=1', 'log_config.interval=1', 'optimizer.lr=0.001',
             'model.test_cfg.rpn.score_thr=0.001', 'data.train.pipeline.2.img_scale=[(160,96),(160,128)]']
    words += [f'data.{split}.pipeline.1.img_scale=(160,96)' for split in ('val', 'test')]
    for split, folder in (('train', 'train2017'), ('val', 'val2017'), ('test', 'val2017')):
        content = json.loads((shared / f'annotations/instances_{folder}.json').read_text())
        content['images'] = content['images'][:IMAGES]
        ids = {image['id'] for image in content['images']}
        content['annotations'] = [one for one in content['annotations'] if one['image_id'] in ids]
        path = installed.place / f'{split}.json'
        path.write_text(json.dumps(content))
        words += [f'data.{split}.ann_file={path}', f'data.{split}.img_prefix={shared / folder}/']
    return ['--cfg-options', *words]


def test_import_and_command(installed):
    said = installed.run('python', '-c', 'import head.method; print(head.method.__file__)')
    assert said.strip().splitlines()[-1] == str(installed.configs.parent / 'method/__init__.py')
    assert '| `head_r18` |' in installed.run('head', 'catalog')
    assert 'did you mean head_r18' in installed.run('head', 'train', 'config=head_r19', status=2)
    assert 'usage: COMMAND' in installed.run('head')


def test_stock_tools_train_and_test(installed, options):
    installed.run('python', '-c', WEIGHTS.replace('CONFIG', repr(str(installed.configs / CONFIG)), 1))
    installed.run('python', installed.mmdet / 'train.py', installed.configs / CONFIG, '--work-dir', 'run', *options)
    log, = (installed.place / 'run').glob('*.log.json')
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    steps = [row for row in rows if row.get('mode') == 'train']
    assert len(steps) == IMAGES // 2 and all(0 < row['loss'] < 1e4 for row in steps)
    assert {'loss_cls', 'loss_cls_rpn', 'loss_mimic_rcnn', 'loss_cross'} <= steps[0].keys()
    assert steps[0]['loss_cross'] < steps[-1]['loss_cross'], 'todd\'s counter does not warm it up'
    assert rows[-1]['mode'] == 'val' and 'bbox_mAP' in rows[-1] and 'lr=0.001' in rows[0]['config']
    said = installed.run('python', installed.mmdet / 'test.py', installed.configs / CONFIG, 'run/epoch_1.pth',
                         '--eval', 'bbox', *options)
    assert "('bbox_mAP'" in said
