"""The weights that a command takes: those that are named, or the released ones."""

from typing import Optional, Tuple

from .. import catalog
from ..catalog.rows import Model
from ..errors import RequestError
from ..fetch import released
from ..fetch.pretrained import fetch_file
from ..results.verdict_file import RELEASED, Weights
from ..support.file_hash import file_hash
from ..support.file_kind import not_a_file


def find_checkpoint(config: str, path: Optional[str], row: Optional[Model],
                    pretrained: str) -> Tuple[Weights, Optional[float]]:
    """The weights to evaluate: those of `checkpoint=`, or the released ones, fetched.

    Args:
        config: as it was asked for, for messages.
        path: of `checkpoint=`, or None.
        row: of the catalog, or None.
        pretrained: the folder of teachers' weights.

    Returns:
        with the tolerance that holds for them, that of a training where they are not the released.

    Raises:
        RequestError: no such file; or none is asked for and none is released.
        EnvironmentFault: the released ones cannot be fetched.
    """
    if path is None:
        if row is None:
            raise RequestError(f'config={config}: nothing is released for it; name the weights: '
                               'checkpoint=FILE')
        if row.checkpoint:
            file = catalog.files()[row.checkpoint]
            path = fetch_file(file, pretrained)
            return Weights(RELEASED, path, file_hash(path), True), row.eval_tolerance
        found = released.obtain_checkpoint(row)
        return Weights(RELEASED, found.path, found.sha256, found.confirmed), row.eval_tolerance
    wrong = not_a_file(path)
    if wrong:
        raise RequestError(f'{path}: {wrong}; checkpoint= names the weights')
    sha256 = file_hash(path)
    known = catalog.files()[row.checkpoint] if row and row.checkpoint else None
    confirmed = (known.has_hash(sha256) or None) if known else released.release_status(row, sha256) if row else None
    if row and confirmed is not None:
        return Weights(RELEASED, path, sha256, confirmed), row.eval_tolerance
    return Weights('checkpoint', path, sha256, False), row.train_tolerance if row else None
