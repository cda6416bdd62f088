"""What is asked for has an effect, or is refused."""

import pytest

from head import catalog
from head.engine import configuration
from head.errors import RequestError


@pytest.fixture
def cfg():
    return configuration.load_config(catalog.find_config('retinanet_r18')[0])


@pytest.mark.parametrize('key, value, instead', [
    ('train_pipeline.3.flip_ratio', 0.0, 'data.train.pipeline.3.flip_ratio'),
    ('img_norm_cfg.mean', [0, 0, 0], 'data.train.pipeline.4.mean'),
    ('dist_params.backend', 'gloo', 'it went into'),
])
def test_overrides_that_nothing_reads(cfg, key, value, instead):
    """The variables that went into a config, and what other tools read."""
    cfg._cfg_dict.setdefault('train_pipeline', cfg.data.train.pipeline)
    cfg._cfg_dict.setdefault('img_norm_cfg', dict(mean=[1, 2, 3]))
    cfg._cfg_dict.setdefault('dist_params', dict(backend='nccl'))
    with pytest.raises(RequestError, match='nothing reads it any more') as caught:
        configuration.apply_overrides(cfg, {key: value})
    assert instead in str(caught.value)


def test_data_that_lie_elsewhere(cfg):
    """`data=` would name a folder that is not read."""
    cfg.data.val.ann_file = '/elsewhere/instances_val2017.json'
    cfg.data_root = cfg.data_root.rstrip('/')
    configuration.set_data_root(cfg, 'mine', by_hand=True)
    assert cfg.data.val.ann_file == '/elsewhere/instances_val2017.json'
    assert cfg.data.test.ann_file == 'mine/annotations/instances_val2017.json'
    cfg.data_root = '/nowhere'
    with pytest.raises(RequestError, match=r'the config reads .*, not below its data_root /nowhere/'):
        configuration.set_data_root(cfg, 'another', by_hand=True)
