"""Whole numbers are written in the digits from 0 to 9."""

import pytest
from mmcv import Config

from head.engine.config_values import Training
from head.engine.configuration import apply_overrides, micro_batches
from head.errors import RequestError
from head.request import parse
from head.support.whole_number import whole_number

ODD = ['²', '１２', '1_0', '+1', '-1', ' 1', '1 ', '', '1.0', '1e3', '0x1', '٣', '9' * 5000, 'nan', '1\n']


@pytest.mark.parametrize('text', ODD)
def test_other_forms(text):
    assert whole_number(text) is None
    for key in ('epochs', 'iters', 'seed', 'node_rank'):
        with pytest.raises(RequestError, match=f'{key} must be a'):
            parse(['train', f'{key}={text}'])
    with pytest.raises(RequestError, match='a positive whole number'):
        micro_batches(text, 2)


def test_numbers():
    assert [whole_number(text) for text in ('0', '7', '007', '123456789012345678')] == [0, 7, 7, 123456789012345678]
    assert parse(['train', 'epochs=7']).get('epochs') == 7


def test_places_in_lists():

    cfg = Config(dict(custom_hooks=[dict(type='a'), dict(type='b')]))
    apply_overrides(cfg, {'custom_hooks.1.type': 'c'}, Training)
    assert cfg.custom_hooks[1].type == 'c'
    for place in ('²', '１', '+1', '-1', '2', '', '1_'):
        with pytest.raises(RequestError, match='no such key'):
            apply_overrides(cfg, {f'custom_hooks.{place}.type': 'c'}, Training)
