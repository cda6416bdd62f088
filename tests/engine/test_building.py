"""Building a model takes no more memory than there is."""

import pytest
from torch import nn

from head.engine.building import without_initial_values
from head.errors import EnvironmentFault
from head.support import available_memory


def test_a_layer_that_does_not_fit(monkeypatch):
    """Named before a page of it is written to; the system would end the process."""
    monkeypatch.setattr(available_memory, 'available_memory', lambda: 2**29)
    with without_initial_values():
        nn.Linear(2**10, 2**10)
        with pytest.raises(EnvironmentFault, match=r'Linear with .* weights: needs about 1.1 GB .*, 0.5 GB are'):
            nn.Linear(2**14, 2**14)
