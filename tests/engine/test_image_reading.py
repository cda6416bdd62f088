"""An image that is no more what it was when it was checked ends the run with its name."""

import shutil

import numpy as np
import pytest
from mmdet.datasets import build_dataset
from mmdet.datasets.pipelines import LoadImageFromFile

from head.engine.image_reading import LoadImageWithName, report_broken_images
from head.errors import RequestError


def load(folder, name, **info):
    return LoadImageWithName()(dict(img_prefix=str(folder), img_info=dict(filename=name, **info)))


@pytest.mark.parametrize('content', [b'', b'not an image', None], ids=['empty', 'text', 'a folder'])
def test_it_does_not_decode(tmp_path, content):
    if content is None:
        (tmp_path / 'a.png').mkdir()
    else:
        (tmp_path / 'a.png').write_bytes(content)
    with pytest.raises(RequestError, match=f'{tmp_path}/a.png: does not decode as an image; fetch it again'):
        load(tmp_path, 'a.png', width=192, height=160)


def test_it_has_another_size(drawn, tmp_path):
    shutil.copy(drawn / 'train2017/000000000001.png', tmp_path / 'a.png')
    assert load(tmp_path, 'a.png', width=192, height=160)['img'].shape == (160, 192, 3)
    with pytest.raises(RequestError, match=r'a\.png: it has 192 x 160 pixels, the annotations say 160 x 192'):
        load(tmp_path, 'a.png', width=160, height=192)


@pytest.mark.parametrize('told', [dict(), dict(to_float32=True), dict(color_type='grayscale'),
                                  dict(channel_order='rgb')], ids=str)
def test_it_is_told_what_mmdets_is(drawn, told):
    """The same pixels, and the same way to read a file."""
    if 'channel_order' in told and 'channel_order' not in vars(LoadImageFromFile()):
        pytest.skip('this mmdet has no channel_order')
    step = dict(type='LoadImageFromFile', file_client_args=dict(backend='disk'), **told)
    data_set = build_dataset(dict(type='CocoDataset', ann_file=f'{drawn}/annotations/instances_train2017.json',
                                  img_prefix=f'{drawn}/train2017', pipeline=[step]))
    before, = data_set.pipeline.transforms
    wanted = data_set[0]['img']
    now, = report_broken_images(data_set).pipeline.transforms
    found = data_set[0]['img']
    assert isinstance(now, LoadImageWithName) and now.file_client_args == before.file_client_args
    assert found.dtype == wanted.dtype and np.array_equal(found, wanted)
