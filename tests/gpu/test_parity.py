"""The published numbers, computed on the GPU: all references, in float32."""

import pytest

from ..conftest import SHARED
from ..method.test_parity import CONFIGS, parity, reference_of, without_ties

__all__ = ['parity']  # a fixture

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(
    not SHARED.is_dir(), reason='no references beside the checkout; test_devices compares with the CPU')]


@pytest.mark.parametrize('config', CONFIGS)
def test_published_numbers(parity, shared, device, config):
    """Losses, gradient norms, detections and the trajectory; not what depends on a GPU's own random numbers."""
    reference = without_ties(reference_of(shared, config))
    found = parity.dump(reference['config'], reference['seed'], reference['size'], reference['n'], device=device)
    assert parity.compare(reference, found, any_stack=True) == []
