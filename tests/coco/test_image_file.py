"""Files that are no whole images are told from whole ones, of real photographs and flat pictures."""

import io
import os

import numpy as np
import pytest
from PIL import Image

from head.coco import image_file
from head.coco.image_file import image_problem, read_image
from head.coco.zeroed_jpeg import zeroed_stretch


def encoded(picture, kind='JPEG', **options):
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def pixels(content):
    import cv2
    return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)


@pytest.fixture(scope='module')
def photographs(shared):
    """(bytes, width, height) of real ones."""
    found = []
    for path in sorted((shared / 'coco_tiny/train2017').glob('*.jpg')):
        with Image.open(path) as image:
            found.append((path.read_bytes(), *image.size))
    assert len(found) > 50
    return found


def test_real_photographs_are_whole(photographs):
    assert not [problem for problem in (image_problem(*one) for one in photographs) if problem]


def progressive(photographs):
    return [(encoded(Image.open(io.BytesIO(content)), progressive=True, quality=90), width, height)
            for content, width, height in photographs]


def damages(content, chance):
    """What interrupted copies, full disks and lost blocks make of a file."""
    place = chance.randrange(700, len(content) - 2)
    yield content[:place]
    yield content[:place] + b'\xff\xd9'
    for lost in (512, 4096):
        yield content[:place] + bytes(min(lost, len(content) - place)) + content[place + lost:]
    yield content[:place] + bytes(len(content) - place)


@pytest.mark.parametrize('form, most', [(list, 0), (progressive, 0.02)], ids=['baseline', 'progressive'])
def test_damage_is_not_passed_over(photographs, chance, form, most):
    """Wherever it is: what changes a pixel is noticed, but for few stretches in the last bits of progressive files."""
    tried = missed = 0
    for content, width, height in form(photographs[:12]):
        whole = pixels(content)
        for _ in range(8):
            for damaged in damages(content, chance):
                found = pixels(damaged)
                if found is None or np.abs(found.astype(int) - whole).max() > 2:
                    tried += 1
                    missed += not image_problem(damaged, width, height)
    assert tried > 100 and missed <= most * tried


@pytest.mark.parametrize('options', [dict(), dict(optimize=True), dict(progressive=True),
                                     dict(optimize=True, subsampling=0), dict(progressive=True, subsampling=0),
                                     dict(quality=98, optimize=True)], ids=str)
def test_flat_pictures_are_whole(options):
    """Whose data are long runs of zeros where the code of a flat block is."""
    longest = 0
    for width, height in ((640, 480), (37, 900), (16, 16), (1500, 1100)):
        for value in range(0, 256, 51):
            for picture in (np.full((height, width, 3), value, np.uint8), np.full((height, width), value, np.uint8)):
                content = encoded(Image.fromarray(picture), **options)
                assert image_problem(content, width, height) == ''
                longest = max(longest, len(max(content.split(b'\1'), key=lambda part: part.count(0))))
                assert zeroed_stretch(content) == 0
    assert longest > 0


@pytest.mark.parametrize('before, after', [(50, 75), (60, 80), (25, 50), (10, 90)])
@pytest.mark.parametrize('subsampling', [0, 2])
def test_photographs_that_were_saved_twice_are_whole(photographs, before, after, subsampling):
    """The last bits of their values are 0 for long stretches."""
    for content, width, height in photographs[:10]:
        once = encoded(Image.open(io.BytesIO(content)).convert('RGB'), quality=before, subsampling=subsampling)
        twice = encoded(Image.open(io.BytesIO(once)), quality=after, subsampling=subsampling, progressive=True)
        assert image_problem(twice, width, height) == ''


@pytest.mark.parametrize('progressive', [False, True])
def test_slopes_are_whole(progressive):
    """All blocks of which differ from the one before alike."""
    for width, height in ((640, 480), (1500, 200), (200, 1500)):
        across, down = np.linspace(0, 255, width)[None], np.linspace(0, 255, height)[:, None]
        for slope in (across + 0 * down, down + 0 * across, 255 - across + 0 * down, (across + down) / 2):
            for quality in (30, 75, 100):
                content = encoded(Image.fromarray(slope.astype(np.uint8)), quality=quality, progressive=progressive,
                                  optimize=True)
                assert image_problem(content, width, height) == ''


def test_another_size(photographs):
    content, width, height = photographs[0]
    assert image_problem(content, width, height + 1) == (
        f'it has {width} x {height} pixels, the annotations say {width} x {height + 1}')


def test_a_photograph_that_its_exif_data_turn(photographs):
    """By the size that the data pipeline's decoder gives it."""
    content, width, height = next(one for one in photographs if one[1] != one[2])
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = encoded(Image.open(io.BytesIO(content)), exif=exif)
    assert pixels(turned).shape[:2] == (width, height)
    assert 'turned by its EXIF data' in image_problem(turned, width, height)
    assert image_problem(turned, height, width) == ''


def test_a_png_that_its_exif_data_turn(photographs):
    """By the size that the data pipeline's decoder gives it, which is not the same on both stacks."""
    content = next(one[0] for one in photographs if one[1] != one[2])
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = encoded(Image.open(io.BytesIO(content)), 'PNG', exif=exif)
    down, across = pixels(turned).shape[:2]
    assert image_problem(turned, across, down) == '' != image_problem(turned, down, across)


def test_chroma_at_a_scale_that_the_decoder_does_not_know(photographs, monkeypatch):
    """Pillow looks at it, which finds less."""
    content, width, height = photographs[0]
    monkeypatch.setattr('simplejpeg.decode_jpeg_header', lambda content: {}[6])
    assert image_problem(content, width, height) == ''
    place = len(content) // 2
    for damaged in (content[:place], content[:place] + bytes(4096) + content[place + 4096:]):
        assert image_problem(damaged, width, height)
    assert f'it has {width} x {height} pixels' in image_problem(content, width + 1, height)


def test_other_forms(photographs):
    content, width, height = photographs[0]
    picture = Image.open(io.BytesIO(content))
    for good in (encoded(picture.convert('CMYK')), encoded(picture.convert('L')), encoded(picture, 'PNG'),
                 encoded(picture.convert('P'), 'PNG')):
        assert image_problem(good, width, height) == ''
    png = encoded(picture, 'PNG')
    for damaged in (png[:-5000], png[:-12], png[:9000] + bytes(64) + png[9064:], png[:10], b'\xff\xd8\xff', b''):
        assert image_problem(damaged, width, height)
    for other in (encoded(picture, 'GIF'), encoded(picture, 'EPS'), b'<html>'):
        assert image_problem(other, width, height) == 'it is neither a JPEG nor a PNG'


@pytest.mark.parametrize('kind', ['JPEG', 'PNG'])
def test_no_pixel_is_decoded_of_another_size(kind, monkeypatch):
    content = encoded(Image.new('RGB', (8, 8)), kind)
    assert image_problem(content, 8, 8) == ''
    monkeypatch.setattr('simplejpeg.decode_jpeg', None)
    monkeypatch.setattr('PIL.ImageFile.ImageFile.load', None)
    assert image_problem(content, 9, 8) == 'it has 8 x 8 pixels, the annotations say 9 x 8'


@pytest.mark.parametrize('kind', ['JPEG', 'PNG'])
def test_more_pixels_than_any_image_has(kind, monkeypatch):
    """Refused by what the annotations say: nothing of the file is decoded."""
    content = encoded(Image.new('RGB', (2000, 1001)), kind)
    monkeypatch.setattr(image_file, 'MOST_PIXELS', 2_002_000)
    assert image_problem(content, 2000, 1001) == ''
    monkeypatch.setattr(image_file, 'MOST_PIXELS', 2_000_000)
    monkeypatch.setattr('simplejpeg.decode_jpeg', None)
    monkeypatch.setattr('PIL.ImageFile.ImageFile.load', None)
    assert image_problem(content, 2000, 1001) == 'it has more than 2 million pixels, by the annotations'


def test_more_bytes_than_any_image_has(tmp_path, monkeypatch):
    """Not read to their end."""
    content = encoded(Image.new('RGB', (8, 8)))
    path = tmp_path / 'a.jpg'
    path.write_bytes(content + bytes(2**20 - len(content)))  # behind an image's end everything may lie
    monkeypatch.setattr(image_file, 'MOST_BYTES', 2**20)
    assert 'MB' not in read_image(str(path), 8, 8)[0]
    path.write_bytes(path.read_bytes() + b'\0')
    assert read_image(str(path), 8, 8) == ('it has more than 1 MB', b'')


def test_a_folder_or_a_pipe(tmp_path):
    os.mkfifo(tmp_path / 'pipe')
    for path in (tmp_path, tmp_path / 'pipe'):
        assert read_image(str(path), 8, 8) == ('it is no regular file', b'')
