"""Work dirs with plausible numbers, written from the drawn set's ground truth."""

import json
import math

from head.coco.categories import NAMES
from head.judging.verdict import judge
from head.results.verdict_file import RELEASED
from head.support.file_hash import file_hash

CONFIG = 'configs/head/head_retina_faster_r18_fpn_mstrain_1x_coco.py'
METRICS = dict(AP=0.3604, AP50=0.5501, AP75=0.3832, APs=-1, APm=0.3969, APl=0.4833, AR1=0.3011, AR10=0.4901,
               AR100=0.5238, ARs=-1, ARm=0.5651, ARl=0.6914)
ANNOTATIONS = 'annotations/instances_val2017.json'


OTHERS = dict(
    smoke=dict(command='smoke', verdict='pass', why=[], data='0' * 64, first_steps=[dict(loss=1.0)],
               teacher=dict(AP=0.2), untrained=dict(AP=0.0), student=dict(AP=0.3),
               checks=[dict(what='AP gained by training', found=0.3, wanted='>= 0.05', holds=True)]),
    parity=dict(command='parity', verdict='pass', why=[], references='0' * 64,
                checks=[dict(what='configs/a.py', found=None, wanted='the published code\'s', holds=True)]),
    mini=dict(command='mini', verdict='pass', why=[], data=['0' * 64] * 2, pretraining=0.1, teacher=0.3,
              runs=dict(baseline=[0.2, 0.21])),
    verify=dict(command='verify', verdict='pass', why=[], together={}, results=[
        dict(path='a', alias='head_r18', verdict='pass', why=[], measured=36.1, reported=36.1, tolerance=0.3,
             difference=0.0)]))
"""Verdicts of commands that are of no row, as they are written."""


def write_json(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def facts_of(command, data):
    """What a verdict for head_r18 says beside the result, measured on the COCO folder `data`."""
    ann_file = data / ANNOTATIONS
    return dict(
        command=command,
        alias='head_r18',
        config=CONFIG,
        data=dict(val=dict(ann_file=str(ann_file), images=8, annotations=20, sha256=file_hash(ann_file),
                           is_val2017=False)),
        metrics=METRICS,
        per_category={name: -1 if name == 'hair drier' else 0.2 + place / 200 for place, name in enumerate(NAMES)},
        seconds=412.2,
        stack='paper',
        lock='9f' * 32,
        commit='6b0c1f02' * 5,
        device='NVIDIA A100-SXM4-40GB',
        versions=dict(python='3.8.18', torch='1.9.1', torchvision=None),
        arguments=[command, 'config=head_r18'])


def write_evaluation(folder, data, **fields):
    """A verdict and detections: every object of `data` but each fifth, a little off."""
    checkpoint = dict(part=RELEASED, path='pretrained/head_r18.pth', sha256='c0ffee11' * 8, confirmed=True)
    result = dict(judge(36.04, 36.1, 0.07), checkpoint=checkpoint)
    write_json(folder / 'verdict.json', {**facts_of('eval', data), **result, **fields})
    truth = json.loads((data / ANNOTATIONS).read_text())
    write_json(folder / 'results.bbox.json', [
        dict(image_id=box['image_id'], category_id=box['category_id'], score=0.25 + 0.07 * (box['id'] % 10),
             bbox=[box['bbox'][0] + 2, box['bbox'][1] - 1, *box['bbox'][2:]])
        for box in truth['annotations'] if box['id'] % 5
    ])
    return folder


def write_training(folder, data, spoiled=(), **fields):
    """A verdict and a log of 12 epochs of 100 rows; at the places in `spoiled` the loss is not a number."""
    result = dict(judge(35.62, 36.1, 0.3), metrics=dict(METRICS, AP=0.3562), seed=3407)
    write_json(folder / 'verdict.json', {**facts_of('train', data), **result, **fields})
    rows = [dict(env_info='sys.platform: linux', config='model = dict()\n', exp_name=CONFIG, seed=3407)]
    for place in range(1200):
        epoch, loss = place // 100 + 1, 0.4 + 3 * math.exp(-place / 200)
        rows.append(dict(mode='train', epoch=epoch, iter=place % 100 * 50 + 50, lr=0.01 if epoch < 9 else 0.001,
                         memory=7000, loss_cls=loss / 2, loss_bbox=loss / 3, loss_cross=0.0,
                         loss=math.nan if place in spoiled else loss))
        if place % 100 == 99:
            rows.append(dict(mode='val', epoch=epoch, iter=5000, lr=0.01, bbox_mAP=round(0.3562 * epoch / 12, 3),
                             bbox_mAP_50=0.04 * epoch, bbox_mAP_s=-1.0, bbox_mAP_copypaste='0.3 0.4'))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / '20260701_120000.log.json').write_text(''.join(json.dumps(row) + '\n' for row in rows))
    return folder
