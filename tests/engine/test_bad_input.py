"""Wrong requests: exit 2, one line that names the thing and the mend, nothing left behind."""

import json
import os
import shutil

import pytest
import torch

from head.catalog import files

from .planning import refusal

TRAIN = ('train', 'device=cpu', 'pretrained=none')


def edit(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


@pytest.mark.parametrize('words,named', [
    (('config=head_r81', ), 'head_r18'),
    (('config=configs/none.py', ), 'configs/none.py: no such file'),
    ((), 'needs config='),
    (('config=head_r18', 'optimiser.lr=1'), 'optimizer.lr'),
    (('config=head_r18', 'optimizer.lr=fast'), 'optimizer.lr=fast'),
    (('config=head_r18', 'optimizer.lr=None'), 'optimizer.lr=None'),
    (('config=head_r18', 'data.samples_per_gpu=2.5'), 'samples_per_gpu=2.5'),
    (('config=head_r18', 'seed=4294967296'), 'seed must be below'),
    (('config=head_r18', 'cofnig=x'), 'config'),
    (('config=head_r18', 'iters=-3'), 'iters must be a positive whole number'),
    (('config=head_r18', 'stray'), 'not key=value'),
    (('config=head_r18', 'device=tpu'), 'device=tpu'),
])
def test_words(refused, drawn, tmp_path, words, named):
    line = refused(*TRAIN, f'work_dir={tmp_path}/work', f'data={drawn}', *words)
    assert named in line
    assert not (tmp_path / 'work').exists()


def test_more_gpus_than_present(refused, drawn):
    assert 'this machine has' in refused('train', 'config=head_r18', 'pretrained=none', f'data={drawn}', 'gpus=64')


def test_unknown_command(refused):
    assert 'did you mean train' in refused('trian')


def remove(name):
    return lambda data: (shutil.rmtree if (data / name).is_dir() else os.remove)(data / name)


def cut(data):
    path = data / 'annotations/instances_train2017.json'
    path.write_text(path.read_text()[:2000])


def rename_category(data):
    edit(data / 'annotations/instances_train2017.json', lambda content: content['categories'][3].update(name='moped'))


def drop_every_object(data):
    edit(data / 'annotations/instances_train2017.json', lambda content: content['annotations'].clear())


def drop_images_key(data):
    edit(data / 'annotations/instances_train2017.json', lambda content: content.pop('images'))


@pytest.mark.parametrize('damage,named', [
    (lambda data: shutil.rmtree(data), 'data: no such folder'),
    (remove('annotations'), 'instances_train2017.json: no such file'),
    (remove('val2017'), 'val2017'),
    (cut, 'instances_train2017.json: not json, or cut off'),
    (rename_category, 'moped'),
    (drop_every_object, 'lists no object'),
    (drop_images_key, 'not COCO instances (Object missing required field `images`'),
    (remove('train2017/000000000002.png'), '000000000002.png: listed in'),
])
def test_broken_data(refused, data, damage, named):
    damage(data)
    line = refused(*TRAIN, 'config=head_r18', f'data={data}', f'work_dir={data.parent}/work')
    assert named in line
    assert not (data.parent / 'work').exists()


def test_work_dir_not_writable(refused, drawn, tmp_path):
    (tmp_path / 'file').write_text('')
    line = refused(*TRAIN, 'config=head_r18', f'data={drawn}', f'work_dir={tmp_path}/file/work')
    assert 'not writable' in line


@pytest.mark.parametrize('content,named', [(b'nonsense', 'not a checkpoint'), (None, 'no such file')])
def test_checkpoint_that_is_none(refused, drawn, tmp_path, content, named):
    if content is not None:
        (tmp_path / 'x.pth').write_bytes(content)
    line = refused('eval', 'config=head_r18', f'checkpoint={tmp_path}/x.pth', f'data={drawn}', 'device=cpu')
    assert named in line and 'x.pth' in line


@pytest.mark.parametrize('words,named', [
    (('train', 'config=PIPE.py'), 'config=PIPE.py: a pipe, not'),
    (('train', 'config=/dev/null'), 'config=/dev/null: a device, not'),
    (('eval', 'config=head_r18', 'checkpoint=PIPE.py'), 'PIPE.py: a pipe, not'),
    (('eval', 'config=head_r18', 'checkpoint=/dev/zero'), '/dev/zero: a device, not'),
    (('train', 'config=head_r18', 'pretrained=none', 'resume=/dev/zero'), 'resume=/dev/zero: a device, not'),
    (('train', 'config=FOLDER.py'), 'config=FOLDER.py: a folder, not'),
    (('train', 'config=./text'), 'config=./text: its name does not end in .py')])
def test_what_is_no_file_is_called_what_it_is(drawn, tmp_path, monkeypatch, words, named):
    """And is not waited for."""
    monkeypatch.chdir(tmp_path)
    os.mkfifo('PIPE.py')
    os.mkdir('FOLDER.py')
    (tmp_path / 'text').write_text('')
    status, line = refusal([*words, f'data={drawn}'])
    assert status == 2 and line.startswith(named), line


@pytest.mark.parametrize('config', ['head_r18', 'retinanet_r18', 'retinanet_mnv2'])
def test_missing_weights_name_the_file_and_its_address(refused, drawn, tmp_path, config):
    line = refused('train', 'device=cpu', f'config={config}', f'data={drawn}', f'pretrained={tmp_path}')
    assert 'no such weights' in line and 'https://' in line and 'pretrained=none' in line


@pytest.mark.parametrize('key', ['model.backbone.init_cfg', 'model.distiller.teacher.ckpt'])
def test_no_silent_random_weights(refused, drawn, tmp_path, key):
    import torchvision
    torch.save(torchvision.models.resnet18().state_dict(), tmp_path / 'r18.pth')
    words = [] if 'backbone' in key else [f'model.backbone.init_cfg.checkpoint={tmp_path}/r18.pth']
    line = refused('train', 'device=cpu', 'config=head_r18', f'data={drawn}', *words, f'{key}=None')
    assert f'{key}: no weights file is set' in line


def test_damaged_weights(refused, drawn, tmp_path):
    path = tmp_path / files()['resnet18'].path.replace('pretrained/', '')
    path.parent.mkdir()
    path.write_bytes(b'half of a file')
    line = refused('train', 'device=cpu', 'config=retinanet_r18', f'data={drawn}', f'pretrained={tmp_path}')
    assert 'damaged' in line and 'resnet18-f37072fd.pth' in line


def test_weights_by_hand_are_checked_by_their_names(refused, head, drawn, tmp_path):
    import torchvision
    key = 'model.backbone.init_cfg.checkpoint'
    words = ('train', 'device=cpu', 'config=retinanet_r18', f'data={drawn}', f'work_dir={tmp_path}/work', 'iters=1',
             'data.train.pipeline.2.img_scale=[(96,96),(96,96)]')
    torch.save(torchvision.models.resnet34().state_dict(), tmp_path / 'deep.pth')
    assert 'not the backbone of this config' in refused(*words, f'{key}={tmp_path}/deep.pth')
    torch.save(torchvision.models.resnet18().state_dict(), tmp_path / 'mine.pth')
    done = head(*words, f'{key}={tmp_path}/mine.pth')
    assert done.returncode == 0, done.stderr
    verdict = json.loads((tmp_path / 'work/verdict.json').read_text())
    assert verdict['weights'][0]['confirmed'] is False and len(verdict['weights'][0]['sha256']) == 64
    assert verdict['measured'] is None, 'it ended before an evaluation'
    log, = (tmp_path / 'work').glob('*.log.json')
    assert log.read_text().count('"mode": "train"') == 1, 'of so few iterations each is logged'


def test_json_into_no_folder(refused, tmp_path):
    assert 'No such file' in refused('doctor', f'json={tmp_path}/none/facts.json')


def test_smoke_checks_its_data_first(refused, tmp_path):
    assert 'no such folder' in refused('smoke', f'data={tmp_path}/none', f'work_dir={tmp_path}/work')
    assert not (tmp_path / 'work').exists()


def test_teacher_that_does_not_fit(refused, drawn, tmp_path):
    import torchvision
    torch.save(torchvision.models.resnet18().state_dict(), tmp_path / 'r18.pth')
    line = refused('train', 'device=cpu', 'config=head_r18', f'data={drawn}',
                   f'model.backbone.init_cfg.checkpoint={tmp_path}/r18.pth',
                   f'model.distiller.teacher.ckpt={tmp_path}/r18.pth')
    assert 'not the teacher of this config' in line and 'missing' in line


def test_images_that_are_all_too_small(refused, data, tmp_path):
    """For training, which leaves them out: every one of them has objects and is whole."""
    from PIL import Image
    for path in (data / 'train2017').iterdir():
        Image.new('RGB', (20, 20)).save(path)

    def shrink(content):
        for one in content['images']:
            one.update(width=20, height=20)
        for one in content['annotations']:
            one.update(bbox=[2, 2, 10, 10], area=100)

    edit(data / 'annotations/instances_train2017.json', shrink)
    line = refused(*TRAIN, 'config=retinanet_r18', f'data={data}', f'work_dir={tmp_path}/work')
    path = data / 'annotations/instances_train2017.json'
    assert line.startswith(f'head: {path}: none of its 16 images has an object and sides of 32 pixels'), line
    assert not (tmp_path / 'work').exists()
