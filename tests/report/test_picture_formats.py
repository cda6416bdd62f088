"""Which files the report's pictures are read from."""

import struct
import warnings
import zlib

import pytest
from PIL import Image, UnidentifiedImageError

from head.report.pictures import MOST_PIXELS, _jpeg


@pytest.mark.parametrize('kind', ['EPS', 'TIFF', 'GIF'])
def test_other_formats_are_not_opened(tmp_path, kind):
    Image.new('RGB', (8, 8)).save(tmp_path / 'x.jpg', kind)
    with pytest.raises(UnidentifiedImageError):
        _jpeg(tmp_path / 'x.jpg')


@pytest.mark.parametrize('kind', ['JPEG', 'PNG'])
def test_cocos_own_are(tmp_path, kind):
    Image.new('RGB', (8, 8)).save(tmp_path / 'x.jpg', kind)
    assert _jpeg(tmp_path / 'x.jpg').startswith('data:image/jpeg')


@pytest.mark.parametrize('sides', [(50_000, 1001), (10_000, 10_000)], ids='{0[0]} x {0[1]}'.format)
def test_more_pixels_than_any_image_has(tmp_path, monkeypatch, sides):
    """Refused by its header, with no word of Pillow's, whose own limit is another."""
    header = b'IHDR' + struct.pack('>IIBBBBB', *sides, 8, 2, 0, 0, 0)
    end = b'\0\0\0\0IDAT' + struct.pack('>I', zlib.crc32(b'IDAT'))
    (tmp_path / 'x.png').write_bytes(
        b'\x89PNG\r\n\x1a\n' + struct.pack('>I', 13) + header + struct.pack('>I', zlib.crc32(header)) + end)
    monkeypatch.setattr('PIL.ImageFile.ImageFile.load', None)
    assert sides[0] * sides[1] > MOST_PIXELS
    with warnings.catch_warnings(), pytest.raises(ValueError, match='more than 50000000 pixels'):
        warnings.simplefilter('error')
        _jpeg(tmp_path / 'x.png')
