"""Where a training step makes the host wait for a GPU: the places that docs/speed.md lists, and no others.

As far as a CPU shows it; `tests/gpu` counts what a GPU says itself.
"""

from collections import Counter

import pytest
import torch
from mmcv.ops import batched_nms

from head.bench.detectors import batch, build, config_of
from head.bench.sync_points import place
from head.catalog import ROOT
from head.fast import fast_forms

dispatch = pytest.importorskip('torch.utils._python_dispatch', reason='the paper\'s torch cannot list its operators')

WAITING = {'_local_scalar_dense', 'nonzero', 'masked_select', '_unique2', 'unique_dim', 'equal', 'bincount'}
"""Operators whose output's size, or the host's next decision, depends on values."""

READING, SENDING = ('tolist', 'numpy', 'cpu'), ('new_tensor', )
"""Methods of tensors by which numbers come from a GPU or go there, each of which waits for what it computes."""

ON_THE_CPU_ALONE = {'head/fast/fused_focal_loss.py', 'head/fast/winograd_choice.py'}

MOST = 40
"""Waits of a step of head_r18 on a GPU."""


class Waits(dispatch.TorchDispatchMode):
    """Counts, by place, the operators after which the host knows a value of the device."""

    def __init__(self):
        super().__init__()
        self.found = Counter()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        name = function._schema.name.rpartition('::')[2]
        masked = name.strip('_') in ('index', 'index_put') and any(
            index is not None and index.dtype == torch.bool for index in args[1])
        if masked or name in WAITING:
            self.found[place()] += 1
        return function(*args, **(kwargs or {}))


def listed(row):
    """What docs/speed.md says of a row: place -> how often."""
    lines = (ROOT / 'docs' / 'speed.md').read_text().splitlines()
    header = next(line for line in lines if line.startswith('| where the host waits'))
    column = [name.strip(' `') for name in header.split('|')].index(row)
    cells = [line.split('|') for line in lines[lines.index(header) + 2:] if line.startswith('|')]
    rows = {line[1].strip(' `'): line[column].strip() for line in cells}
    return {name: int(number) for name, number in rows.items() if number != '–'}


def watch(monkeypatch, waits, owner, name):
    """Count calls of a function, too, which torch dispatches as nothing on a CPU."""
    function = getattr(owner, name)

    def call(*args, **kwargs):
        waits.found[place()] += 1
        return function(*args, **kwargs)

    monkeypatch.setattr(owner, name, call)


@pytest.mark.parametrize('row', ['head_r18', 'tf_head_r18'])
def test_the_places_are_those_that_are_listed(row, monkeypatch):
    monkeypatch.setattr(fast_forms, 'proposal_nms', batched_nms)  # a GPU's choice
    model, data = build(config_of(row), 'cpu'), batch((256, 320), 'cpu')
    fast_forms.use_fast_forms(model)  # as a training does
    waits = Waits()
    for name in (*READING, *SENDING):
        watch(monkeypatch, waits, torch.Tensor, name)
    watch(monkeypatch, waits, torch, 'tensor')
    model._parse_losses(model(return_loss=True, **data))  # sends what stays there
    waits.found.clear()
    with waits:
        loss, _ = model._parse_losses(model(return_loss=True, **data))
        loss.backward()
    expected = listed(row)
    assert set(waits.found) == set(expected)
    # boxes decide how often, and rounding a few boxes
    assert dict(waits.found) == pytest.approx(expected, rel=0.2, abs=1)
    assert row != 'head_r18' or sum(waits.found[name] for name in {*waits.found} - ON_THE_CPU_ALONE) <= MOST
