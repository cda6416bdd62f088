"""The detector of a training."""

from head.commands import train
from head.distributed.layout import Layout
from head.engine import training
from head.request import parse


def test_its_frozen_stages_compute_in_their_fast_form(drawn, tmp_path):
    plan = train.plan_together(
        parse(['train', 'config=head_r18', f'data={drawn}', 'device=cpu', 'pretrained=none',
               f'work_dir={tmp_path}/run']), Layout(device='cpu'), 'cpu', [])
    model, _, _ = training._build(plan.cfg, plan.training)
    assert 'forward' in vars(model.backbone)
