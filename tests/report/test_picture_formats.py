"""Which files the report's pictures are read from."""

import pytest
from PIL import Image, UnidentifiedImageError

from head.report.pictures import _jpeg


@pytest.mark.parametrize('kind', ['EPS', 'TIFF', 'GIF'])
def test_other_formats_are_not_opened(tmp_path, kind):
    Image.new('RGB', (8, 8)).save(tmp_path / 'x.jpg', kind)
    with pytest.raises(UnidentifiedImageError):
        _jpeg(tmp_path / 'x.jpg')


@pytest.mark.parametrize('kind', ['JPEG', 'PNG'])
def test_cocos_own_are(tmp_path, kind):
    Image.new('RGB', (8, 8)).save(tmp_path / 'x.jpg', kind)
    assert _jpeg(tmp_path / 'x.jpg').startswith('data:image/jpeg')
