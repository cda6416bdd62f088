"""An image that is no more what it was when it was checked ends the run with its name."""

import shutil

import pytest

from head.engine.image_reading import LoadImageWithName
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
