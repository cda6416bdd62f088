"""The device of this suite: a GPU, or with `--device=cpu` the CPU, on which it is tried where there is none."""

import pytest

from head.distributed.layout import Layout
from head.engine.device import choose_device
from head.engine.float32 import choose_tf32

from ..conftest import SHARED
from ..training_runs import QUICK


@pytest.fixture(scope='session')
def device(request):
    """``'cuda'``; ``'cpu'`` where the suite is only tried. It computes in float32."""
    wanted = request.config.option.device
    choose_device(Layout(device=wanted), print)  # whose error says what is missing
    choose_tf32(False, wanted)
    return wanted


@pytest.fixture
def on_a_gpu(device):
    """For what only a GPU has."""
    if device == 'cpu':
        pytest.skip('only a GPU has it')


@pytest.fixture(scope='session')
def images(request):
    """A COCO folder: real images where they lie beside the checkout, else the drawn set."""
    return SHARED / 'coco_tiny' if SHARED.is_dir() else request.getfixturevalue('drawn')


@pytest.fixture(scope='session')
def words(device, images):
    """The words that trainings of this suite have in common: of full size on a GPU, small on a CPU."""
    common = (f'data={images}', 'pretrained=none', 'log_config.interval=1', f'device={device}')
    return common if device == 'cuda' else (*common, *QUICK[:2])


@pytest.fixture
def figure(request):
    """Note a figure that was measured; pytest prints all of them at its end."""

    def note(name, value):
        request.node.user_properties.append(('figure', f'{name}: {value}'))

    return note
