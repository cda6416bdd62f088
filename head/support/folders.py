"""Where things are unless a key says otherwise, relative to the project."""

import tempfile

from ..errors import EnvironmentFault

COCO = 'data/coco'
PRETRAINED = 'pretrained'
WORK_DIRS = 'work_dirs'


def require_temporary_folder() -> None:
    """Raises:
        EnvironmentFault: there is none for temporary files, which mmcv and torch need.
    """
    try:
        tempfile.gettempdir()
    except OSError as error:
        raise EnvironmentFault('no folder for temporary files can be written to: make /tmp writable, or name another '
                               'in TMPDIR') from error
