"""The detector of a training, and what it finds in its work dir."""

import json
from types import SimpleNamespace

import pytest

from head.checkpoints.resume import ResumePoint
from head.commands import train
from head.distributed.layout import Layout
from head.engine import training
from head.request import parse
from head.results.log_files import log_sizes


@pytest.mark.parametrize('fast', [True, False])
def test_it_computes_in_its_fast_forms_unless_told(drawn, tmp_path, fast):
    plan = train.plan_together(
        parse(['train', 'config=head_r18', f'data={drawn}', 'device=cpu', 'pretrained=none',
               f'work_dir={tmp_path}/run', *([] if fast else ['fast=false'])]), Layout(device='cpu'), 'cpu', [])
    model, _, _ = training._build(plan.cfg, plan.training)
    parts = [*model.modules(), *model.distiller.teacher.modules()]
    assert any('forward' in vars(part) or 'proposal_nms' in vars(part) for part in parts) is fast


@pytest.mark.parametrize('lost', [0, 9], ids=['whole', 'torn'])
def test_a_start_tells_what_a_power_cut_tore(tmp_path, lost):
    """Of the log that its checkpoint counts: what is left of it stays, and what is trained again goes."""
    rows = [json.dumps(dict(mode='train', iter=number)) + '\n' for number in (1, 2, 3)]
    log, counted = tmp_path / 'now.log.json', len(''.join(rows[:2]))
    log.write_text(''.join(rows[:2])[:counted - lost] if lost else ''.join(rows))
    said = []
    logger = SimpleNamespace(timestamp='now', before=log_sizes(str(tmp_path), 'now'), info=said.append,
                             warning=said.append)
    point = ResumePoint(f'{tmp_path}/iter_2.pth', dict(meta=dict(iter=2, logs={log.name: counted})), None)
    options = training.TrainOptions('cpu', str(tmp_path), resume_point=point, run=dict(seed=1))
    training._take_over(options, 8, logger)
    assert log.read_text() == ''.join(rows[:1 if lost else 2])
    assert said == ([f'{log.name}: its end was torn, by a power cut for instance; {len(rows[1])} bytes of it are lost']
                    if lost else [])
    assert json.loads((tmp_path / 'run.json').read_text())['log'] == 'now'
