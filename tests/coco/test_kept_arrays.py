"""What is kept from one run to the next, and what lies in its place."""

import os
import threading

import numpy as np

from head.coco.kept_arrays import keep_array, kept_array


def test_it_is_what_was_written(tmp_path):
    path, array = str(tmp_path / 'a'), np.arange(5)
    keep_array(path, array)
    found = kept_array(path, array.dtype)
    assert np.array_equal(found, array) and not found.flags.writeable
    assert kept_array(path, array.dtype, 4) is kept_array(str(tmp_path / 'none'), array.dtype) is None


def test_a_pipe_is_not_waited_for(tmp_path):
    """Nor is a folder believed, or an empty file."""
    os.mkfifo(tmp_path / 'pipe')
    (tmp_path / 'empty').touch()
    found = []
    reader = threading.Thread(daemon=True, target=lambda: found.extend(
        kept_array(str(path), np.dtype(int)) for path in (tmp_path / 'pipe', tmp_path, tmp_path / 'empty')))
    reader.start()
    reader.join(20)
    assert found == [None] * 3
