"""Takes out of an environment what docker/left_out/ names: docker/leave_out.py STACK DEVICE

Run it with the environment's Python, which it leaves as it must stay in the image.
"""

import shutil
import sys
import sysconfig
from pathlib import Path

from stub_libraries import replace_by_stubs

if sys.version_info >= (3, 10):
    from importlib import metadata
else:
    import importlib_metadata as metadata

LEFT_OUT = Path(__file__).with_name('left_out')


def listed(name):
    """The lines of a list that are no comments."""
    lines = (LEFT_OUT / f'{name}.txt').read_text().splitlines()
    return [line for line in lines if line and not line.startswith('#')]


def remove_package(name, site):
    """Remove a package's files, those in `bin` too; one that the stack does not have is none to remove."""
    try:
        files = metadata.distribution(name).files
    except metadata.PackageNotFoundError:
        return
    for file in files:
        if (site / file).exists():
            (site / file).unlink()
    for folder in {site / file.parts[0] for file in files if file.parts[0] != '..'}:
        if folder.is_dir() and not any(path.is_file() and path.suffix != '.pyc' for path in folder.rglob('*')):
            shutil.rmtree(folder)


def remove(path):
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def leave_out(stack, device):
    """Do all of it; the stubs first, which are made after the libraries that go."""
    site = Path(sysconfig.get_path('purelib'))
    packages = listed('packages')
    if device == 'cpu':
        replace_by_stubs(site, listed(f'gpu_libraries_{stack}'))
        packages += listed('packages_cpu')
    for name in packages:
        remove_package(name, site)
    for pattern in listed('files'):
        for path in sorted(site.glob(pattern)):
            if path.exists():  # not in a folder that went
                remove(path)


if __name__ == '__main__':
    leave_out(*sys.argv[1:])
