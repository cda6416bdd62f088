"""Building a model takes no more memory than there is."""

import pytest
import torch
from mmcv.runner import BaseModule
from torch import nn

from head.engine.building import set_initial_values, without_initial_values
from head.errors import EnvironmentFault
from head.support import available_memory


def test_a_layer_that_does_not_fit(monkeypatch):
    """Named before a page of it is written to; the system would end the process."""
    monkeypatch.setattr(available_memory, 'available_memory', lambda: 2**29)
    with without_initial_values():
        nn.Linear(2**10, 2**10)
        with pytest.raises(EnvironmentFault, match=r'Linear with .* weights: needs about 1.1 GB .*, 0.5 GB are'):
            nn.Linear(2**14, 2**14)


class Layer(BaseModule):
    """A layer that would load weights, in one of the ways that mmcv and mmdet know."""

    def __init__(self, init_cfg):
        super().__init__(init_cfg)
        self.linear, self.attention = nn.Linear(3, 3), nn.MultiheadAttention(4, 2)

    def init_weights(self):
        assert not self.init_cfg
        nn.init.constant_(self.linear.bias, 2)
        super().init_weights()


@pytest.mark.parametrize('init', [
    None, dict(checkpoint='https://x/y.pth'), [dict(type='Pretrained', checkpoint='x.pth')],
    dict(type='Constant', layer='Conv2d', val=1, override=dict(type='Pretrained', name='linear', checkpoint='x.pth'))])
def test_initial_values_of_layers_without(init):
    """As often as it is asked for; no file is read, and nothing depends on what lay in memory."""
    with without_initial_values():
        layer = Layer(init)
    assert not any(value.count_nonzero() for value in layer.attention.state_dict().values())
    for _ in range(2):
        set_initial_values(layer)
        assert (layer.linear.bias == 2).all() and layer.attention.in_proj_weight.count_nonzero()
        with torch.no_grad():
            layer.linear.bias.zero_()
