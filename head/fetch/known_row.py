"""The catalog's row of `config=`, where there must be one."""

from .. import catalog
from ..errors import RequestError


def known_row(config: str) -> catalog.Model:
    """The row of an alias or config file.

    Raises:
        RequestError: no such config, or one that is no row's.
    """
    path, row = catalog.find_config(config)
    if row is None:
        raise RequestError(f'config={path}: the catalog does not know it; name an alias: {", ".join(catalog.models())}')
    return row
