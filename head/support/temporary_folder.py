"""The folder for temporary files, which mmcv, matplotlib and torch need. Light: no torch."""

import tempfile

from ..errors import EnvironmentFault
from .advice import temporary_folder


def require_temporary_folder() -> None:
    """Raises:
        EnvironmentFault: there is none.
    """
    try:
        tempfile.gettempdir()
    except OSError as error:
        raise EnvironmentFault(f'no folder for temporary files can be written to: {temporary_folder()}') from error
