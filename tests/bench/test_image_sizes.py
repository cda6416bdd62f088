"""The sizes that steps are measured on, beside what mmdet's own pipeline makes."""

import numpy as np
import pytest
from mmdet.datasets.pipelines import Pad, Resize

from head.bench.detectors import STOCK, config_of
from head.bench.image_sizes import LONG, LYING, SHORT, SIZE, sizes_of_steps, training_sizes


def resized(height, width, short):
    """The padded size that mmdet makes of an image."""
    results = dict(img=np.zeros((height, width, 3), np.uint8), img_fields=['img'], scale=(LONG, short))
    return Pad(size_divisor=32)(Resize(img_scale=(LONG, short), keep_ratio=True)(results))['pad_shape'][:2]


def test_they_are_of_the_configs_pipeline():
    resize, = (step for step in config_of(STOCK).data.train.pipeline if step.type == 'Resize')
    assert resize.multiscale_mode == 'range'
    assert [tuple(scale) for scale in resize.img_scale] == [(LONG, short) for short in SHORT]


def test_a_batch_has_what_mmdet_makes_of_its_images():
    sizes = training_sizes()
    shorts = range(SHORT[0], SHORT[1] + 1)
    made = {resized(*size, short) for size in LYING for short in shorts}
    heights, widths = ({size[side] for size in made} for side in (0, 1))
    for height, width in sizes:
        lying = sorted((height, width))
        assert lying[0] in heights and lying[1] in widths
    assert {height > width for height, width in sizes} == {True, False}
    assert len(set(sizes)) > len(sizes) // 2


def test_they_are_the_same_each_time():
    assert training_sizes() == training_sizes() == sizes_of_steps('cuda')
    assert sizes_of_steps('cpu') == [SIZE]


@pytest.mark.parametrize('short', SHORT)
def test_an_image_is_padded_as_little_as_mmdet_pads_it(short, monkeypatch):
    """A batch of two images of one size."""
    from head.bench import image_sizes
    monkeypatch.setattr(image_sizes, 'SHORT', (short, short))
    monkeypatch.setattr(image_sizes, 'LYING', LYING[:1])
    lying = resized(*LYING[0], short)
    assert set(image_sizes.training_sizes()) == {lying, lying[::-1]}
