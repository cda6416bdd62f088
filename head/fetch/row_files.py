"""Which files of the authors' folder belong to a row. Their names are known only from its listing."""

import re
from pathlib import Path, PurePosixPath
from typing import Iterable, List, NamedTuple, Optional

from ..errors import RequestError
from ..support.file_names import is_file_name
from ..support.printed_text import printable

SAFE = re.compile(r'[\w][\w.+=() -]*')
"""A file name that is no trick."""

EPOCH = re.compile(r'epoch_(\d+)\.pth')


class Choice(NamedTuple):
    """A file of the folder. `last`: chosen as the last of several, so that one not listed could be the right one."""

    path: str
    last: bool


def belongs(config: str, path: str) -> bool:
    """Whether a part of the path is the config file's stem, alone or before a non-word character."""
    stem = re.compile(rf'{re.escape(Path(config).stem)}(?!\w)')
    return any(stem.match(part) for part in PurePosixPath(path).parts)


def _candidates(config: str, paths: Iterable[str], ending: str) -> List[str]:
    """Paths with that ending that belong to the row."""
    return sorted(path for path in paths
                  if path.endswith(ending) and is_file_name(PurePosixPath(path).name)
                  and SAFE.fullmatch(PurePosixPath(path).name) and belongs(config, path))


def checkpoint_path(config: str, paths: Iterable[str]) -> Optional[Choice]:
    """The row's checkpoint: the only one, or `latest.pth`, or the highest epoch's.

    Args:
        config: the row's config file.
        paths: all files of the folder.

    Returns:
        None where the folder has none.

    Raises:
        RequestError: several, and no rule to choose by.
    """
    found = _candidates(config, paths, '.pth')
    if len(found) < 2:
        return Choice(found[0], False) if found else None
    best = [path for path in found if PurePosixPath(path).name == 'latest.pth']
    by_epoch = not best
    if by_epoch:
        named = {path: EPOCH.fullmatch(PurePosixPath(path).name) for path in found}
        epochs = {path: int(match.group(1)) for path, match in named.items() if match}
        best = [path for path, epoch in epochs.items() if epoch == max(epochs.values())]
    if len(best) != 1:
        raise RequestError(f'{config}: the authors\' folder has several checkpoints and none is the last: '
                           f'{printable(", ".join(best or found), 300)}; download one by hand and name it: eval '
                           'checkpoint=FILE')
    return Choice(best[0], by_epoch)


def log_path(config: str, paths: Iterable[str]) -> Optional[Choice]:
    """The row's training log, the last by name; or None."""
    found = _candidates(config, paths, '.log.json')
    if not found:
        return None
    return Choice(max(found, key=lambda path: (PurePosixPath(path).name, path)), len(found) > 1)
