"""The detector of a training."""

import pytest

from head.commands import train
from head.distributed.layout import Layout
from head.engine import training
from head.request import parse


@pytest.mark.parametrize('fast', [True, False])
def test_it_computes_in_its_fast_forms_unless_told(drawn, tmp_path, fast):
    plan = train.plan_together(
        parse(['train', 'config=head_r18', f'data={drawn}', 'device=cpu', 'pretrained=none',
               f'work_dir={tmp_path}/run', *([] if fast else ['fast=false'])]), Layout(device='cpu'), 'cpu', [])
    model, _, _ = training._build(plan.cfg, plan.training)
    parts = [*model.modules(), *model.distiller.teacher.modules()]
    assert any('forward' in vars(part) or 'proposal_nms' in vars(part) for part in parts) is fast
