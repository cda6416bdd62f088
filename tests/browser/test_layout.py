"""The report as a browser lays it out: on a phone, on a desk, in the dark, on paper."""

import re

import pytest
from PIL import Image

pytestmark = pytest.mark.browser

DARK = '--blink-settings=preferredColorScheme=0'


@pytest.mark.parametrize('width', [360, 390, 768, 1280])
def test_layout(measure, page, width):
    found = measure(page, width)
    assert found['width'] == width
    assert found['scrolled'] == width and found['wide'] == []
    assert found['drawn'] > 20 and found['flat'] == []
    assert found['texts'] > 200 and found['small'] == []
    assert found['pale'] == []
    assert found['cut'] == [] and found['spilt'] == []
    assert not found['dark']


def test_dark(browse, page, tmp_path):
    pictures = []
    for arguments in ([], [DARK]):
        path = tmp_path / 'screenshot.png'
        browse(page, f'--screenshot={path}', '--window-size=1280,900', *arguments)
        pictures.append(Image.open(path).convert('L'))
    light, dark = (picture.resize((1, 1)).getpixel((0, 0)) for picture in pictures)
    assert light > 220 and dark < 50


@pytest.mark.parametrize('size', ['390,844', '1280,900'])
def test_nothing_is_asked_for(browse, page, tmp_path, size):
    _, console = browse(page, f'--screenshot={tmp_path}/page.png', f'--window-size={size}')
    assert console == []
    assert Image.open(tmp_path / 'page.png').getcolors(16) is None  # more than 16 colours: something is drawn


def test_the_policy_holds(browse, page, tmp_path):
    """A page that did load something would be told so on its console, as `test_nothing_is_asked_for` looks for."""
    bad = tmp_path / 'bad.html'
    bad.write_text(page.read_text().replace('</body>', '<img src="https://example.org/x.png"></body>'))
    _, console = browse(bad, f'--screenshot={tmp_path}/page.png')
    assert 'Content Security Policy' in ''.join(console)


def test_print(browse, page, tmp_path):
    """On paper the page is light also for who has the dark one on the screen."""
    browse(page, f'--print-to-pdf={tmp_path}/page.pdf', DARK)
    content = (tmp_path / 'page.pdf').read_bytes()
    assert content.startswith(b'%PDF') and content.rstrip().endswith(b'%%EOF')
    assert 3 <= len(re.findall(rb'/Type\s*/Page\b', content)) <= 20
