"""environment/build_mmcv.py makes the same wheel wherever and whenever it runs."""

import zipfile

SETUP = """
import glob
from setuptools import Extension, setup
setup(name='tiny', version='1', ext_modules=[Extension('tiny', glob.glob('FOLDER/parts/*.cpp'), language='c++')])
"""

PART = """
#include <Python.h>
namespace {{ int counted = {number}; }}
const char *where_{number}() {{ ++counted; return __FILE__; }}
"""

MODULE = """
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "tiny", nullptr, -1, nullptr};
PyMODINIT_FUNC PyInit_tiny() { return PyModule_Create(&definition); }
"""


def wheel(builder, folder, numbers):
    """The path of a wheel of some files, which are made in an order and compiled by absolute paths, as torch does."""
    (folder / 'parts').mkdir(parents=True)
    for number in numbers:
        (folder / f'parts/part_{number}.cpp').write_text(PART.format(number=number) + MODULE * (number == 1))
    (folder / 'setup.py').write_text(builder.SORTED_GLOB + SETUP.replace('FOLDER', str(folder)))
    return builder.compile_wheel(folder, 'cpu', None, None, folder / 'log')


def test_the_same_wheel_in_another_folder(builder, tmp_path):
    """Of files that were made, and are listed, in another order; at another time, too."""
    one = wheel(builder, tmp_path / 'one', range(9))
    other = wheel(builder, tmp_path / 'an other', range(8, -1, -1))
    assert one.read_bytes() == other.read_bytes()
    with zipfile.ZipFile(one) as archive:
        library, = (archive.read(name) for name in archive.namelist() if name.endswith('.so'))
    assert b'mmcv-full/parts/part_8.cpp' in library and str(tmp_path).encode() not in library
