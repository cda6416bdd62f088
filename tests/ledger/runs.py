"""Work dirs of trainings of head_r18 on COCO, as they would be left, in the folders of somebody's machine."""

import json

from head import catalog
from head.coco.categories import NAMES
from head.judging.verdict import judge
from head.support.file_hash import file_hash

HOME = '/home/Jane Doe/detection'
CONFIG = 'configs/head/head_retina_faster_r18_fpn_mstrain_1x_coco.py'
VAL2017 = catalog.coco().splits['val2017']
LOG = '20261128_093000.log.json'
RELEASED = dict(part='released checkpoint', path='x.pth', sha256='c0' * 32, confirmed=True)


def write_json(path, content):
    path.write_text(json.dumps(content))


def train_run(folder, percent=36.04, seed=1, why=(), **fields):
    """Write the work dir of a training that ended with `percent` box mAP; returns it."""
    folder.mkdir(parents=True)
    AP = percent / 100
    data = dict(ann_file=f'{HOME}/coco/annotations/instances_val2017.json', images=VAL2017.images,
                annotations=VAL2017.annotations, sha256=VAL2017.sha256, is_val2017=True)
    content = dict(
        judge(percent, 36.1, 0.3, why), command='train', alias='head_r18', config=f'{HOME}/head/{CONFIG}',
        config_sha256=file_hash(catalog.ROOT / CONFIG), data=dict(val=data, train=data), seed=seed, processes=8,
        weights=[dict(part='teacher', path=f'{HOME}/weights/faster_rcnn.pth', sha256='ab' * 32, confirmed=True)],
        metrics=dict(AP=AP, AP50=0.55, APs=-1), per_category={name: AP for name in NAMES}, seconds=36000.0,
        stack='paper', lock='9f' * 32, commit='6b0c1f02' * 5, device='NVIDIA A100-SXM4-40GB',
        versions=dict(torch='1.9.1+cu111'),
        arguments=['train', 'config=head_r18', f'data={HOME}/coco', 'rdzv=gpu07.lab.example.org:29500', 'nnodes=2'])
    write_json(folder / 'verdict.json', {**content, **fields})
    config = (f"data_root = '{HOME}/coco/'\ndata = dict(\n    val=dict(\n        type='CocoDataset',\n"
              f"        ann_file='{HOME}/coco/annotations/instances_val2017.json'))\nwork_dir = '{folder}'\n")
    rows = [dict(env_info=f'sys.platform: linux\nCUDA_HOME: {HOME}/cuda', config=config, exp_name=CONFIG.split('/')[-1],
                 seed=seed, hook_msgs=dict(by='jane@example.org'))]
    for epoch in range(1, 13):
        rows.append(dict(mode='train', epoch=epoch, iter=7330, lr=0.01, loss=2 / epoch, note='on gpu07'))
        rows.append(dict(mode='val', epoch=epoch, iter=625, bbox_mAP=AP * epoch / 12, bbox_mAP_copypaste='0.3 0.4'))
    (folder / LOG).write_text(''.join(json.dumps(row) + '\n' for row in rows) + '{"mode": "val", "epo')
    write_json(folder / 'results.bbox.json', [dict(image_id=1, category_id=1, bbox=[1, 2, 3, 4], score=0.5)])
    (folder / 'epoch_12.pth').write_bytes(b'weights')
    return folder


def smoke_run(folder, **fields):
    """Write the work dir of a smoke run; returns it."""
    folder.mkdir(parents=True)
    write_json(folder / 'verdict.json', dict(
        dict(command='smoke', verdict='pass', why=[], data='0' * 64, first_steps=[dict(loss=1.0)], seconds=170.0,
             teacher=dict(AP=0.2), untrained=dict(AP=0.0), student=dict(AP=0.3), stack='current',
             device='CPU, 2 threads', versions=dict(torch='2.14.1'), arguments=['smoke', f'work_dir={folder}'],
             checks=[dict(what='AP gained by training', found=0.3, wanted='>= 0.05', holds=True)]), **fields))
    return folder
