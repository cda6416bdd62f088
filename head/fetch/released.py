"""The authors' released checkpoints and logs: fetched by the lock, or found in their folder and recorded.

The lock is the catalog's `released.yaml`, made by a maintainer. A row that it does not know is looked up in the
folder's listing; what comes is called unconfirmed, and its hash is recorded, so that a later change is noticed.
"""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Dict, List, Optional, Tuple

import msgspec
from msgspec.structs import replace

from .. import catalog
from ..catalog import Model, ReleasedFile, ReleasedFiles
from ..errors import EnvironmentFault, HeadError, RequestError
from ..support.container import container_image
from ..support.file_hash import file_hash
from ..support.for_each import for_each, raise_together
from ..support.locks import Say, locked
from ..support.printed_text import printable
from .download import LARGEST_WEIGHTS, download, ensure_file
from .drive import LIMIT, drive_file, folder_address, list_folder
from .hash_check import hash_check
from .pretrained import fetch_file
from .release_record import FOLDER, RECORD, read_record, recorded, remember, write_released
from .row_files import belongs, checkpoint_path, log_path

WORKERS = 3
PATH_OF = dict(checkpoint=checkpoint_path, log=log_path)

LARGEST = dict(checkpoint=LARGEST_WEIGHTS, log=256 << 20)
"""Bytes that a file may have whose size no lock says."""


@dataclass(frozen=True)
class Checkpoint:
    """A released checkpoint, there and checked. `confirmed`: by the lock, not only by what came first."""

    path: str
    sha256: str
    confirmed: bool


def _target(row: Model, path: str) -> Path:
    return FOLDER / row.alias / PurePosixPath(path).name


def _listed(row: Model, kind: str, say: Optional[Say] = None) -> Optional[Tuple[str, str]]:
    """(path, id) of the row's file in the authors' folder, or None. `say`, if given, is told of doubts.

    Raises:
        RequestError: Drive lists the folder only in part, and the right one may be in the rest.
    """
    folder = catalog.released().folder
    listing = list_folder(folder)
    choice = PATH_OF[kind](row.config, listing.files)
    if choice:
        cut = sorted(set(map(str, PurePosixPath(choice.path).parents)).intersection(listing.cut))
    else:  # what a folder of another row hides is that row's
        others = [one.config for one in catalog.models().values() if one != row]
        cut = [folder for folder in listing.cut if not any(belongs(config, folder) for config in others)]
    by_hand = 'download it by hand'
    if kind == 'checkpoint':
        by_hand += ' and name it: eval checkpoint=FILE'
    doubt = (f'{row.alias}: its {kind} may not be among what Drive lists of {folder_address(folder)}, cut off after '
             f'{LIMIT} entries of {printable(", ".join(cut), 300)}')
    if cut and (choice.last if choice else kind == 'checkpoint'):
        raise RequestError(f'{doubt}; {by_hand}')
    if cut and choice and say:
        say(f'{doubt}; taken: {choice.path}')
    return (choice.path, listing.files[choice.path]) if choice else None


def _obtain_known(row: Model, file: ReleasedFile, say: Say) -> None:
    """Have a file whose hash is known."""
    target = _target(row, file.path)
    ensure_file(drive_file(file.id, target), target, hash_check(file), file.size, say)


def _obtain_new(row: Model, kind: str, path: str, file_id: str, say: Say, accept_by_hand: bool) -> ReleasedFile:
    """Have a file of the listing, which no lock knows, and put it on record.

    A file that is there already is the listed one only if the record says that it came under that id.

    Raises:
        RequestError: it is there, came some other way, and `accept_by_hand` is False.
    """
    target = _target(row, path)
    with locked(target, say):
        known, by_hand = recorded(row, kind)
        if known and (known.path, known.id) == (path, file_id) and (accept_by_hand or not by_hand):
            fetched = known
        elif target.exists() and not accept_by_hand:
            raise RequestError(f'{target}: is there, but did not come from {drive_file(file_id, target).address}; move '
                               'it away, and what the authors published is fetched')
        else:
            by_hand = target.exists()
            if by_hand:
                say(f'{target}: was put there by hand, its origin is unknown')
            else:
                download(drive_file(file_id, target), target, lambda path: '', hashed=False,
                         largest=LARGEST[kind])
                say(f'{target}: fetched, {target.stat().st_size / 1e6:.1f} MB')
            found = dict(path=path, id=file_id, size=target.stat().st_size, sha256=file_hash(target))
            try:
                fetched = msgspec.convert(found, ReleasedFile)
            except msgspec.ValidationError as error:
                raise RequestError(f'{target}: not a released file ({error}); move it away') from error
            remember(row, kind, fetched, by_hand)
            return fetched
    _obtain_known(row, fetched, say)  # which takes the lock itself
    return fetched


def _ensure_row_file(row: Model, kind: str, say: Say) -> Optional[Tuple[ReleasedFile, bool]]:
    """Have the row's checkpoint or log.

    Returns:
        what it is, and whether the lock confirms it; None where there is none.
    """
    locks = catalog.released().files
    known = locks.get(row.alias) or read_record().files.get(row.alias) or ReleasedFiles()
    file: Optional[ReleasedFile] = getattr(known, kind)
    confirmed = row.alias in locks
    if file:
        _obtain_known(row, file, say)
    elif not confirmed:
        listed = _listed(row, kind, say)
        if listed:
            file = _obtain_new(row, kind, *listed, say, accept_by_hand=True)
    if file and not confirmed:
        say(f'{_target(row, file.path)}: unconfirmed, its hash is not known in advance; recorded in {RECORD}: '
            f'{file.sha256}')
    return (file, confirmed) if file else None


def obtain_checkpoint(row: Model, say: Say = print) -> Checkpoint:
    """Have the row's released checkpoint below `work_dirs/released`.

    Args:
        row: of the catalog.
        say: takes lines about what was done.

    Raises:
        RequestError: none was released; or the file that is there, or what comes, is not what lock or record say.
        EnvironmentFault: no network, quota used up, refused, gone, no room.
    """
    found = _ensure_row_file(row, 'checkpoint', say)
    if not found:
        raise RequestError(f'{row.alias}: no checkpoint was released, or its folder has changed: see '
                           f'{folder_address(catalog.released().folder)}; a file of yours: eval checkpoint=FILE')
    file, confirmed = found
    return Checkpoint(str(_target(row, file.path)), file.sha256, confirmed)


def fetch_released(config: str, say: Say = print) -> None:
    """Have the checkpoint of `config=`, and its log where there is one."""
    row = catalog.known_row(config)
    if row.checkpoint:
        fetch_file(catalog.files()[row.checkpoint], say=say)
    else:
        _fetch(row, say)


def _fetch(row: Model, say: Say) -> None:
    obtain_checkpoint(row, say)
    if not _ensure_row_file(row, 'log', say):
        say(f'{row.alias}: no log was released')


def _has_checkpoint(row: Model) -> bool:
    """Whether the folder lists one; several count too, so that the error is met where they are fetched."""
    try:
        return _listed(row, 'checkpoint') is not None
    except RequestError:
        return True


def _rows() -> List[Model]:
    """The rows whose weights can be in the authors' folder."""
    return [row for row in catalog.models().values() if not row.checkpoint]


def released_rows() -> List[Model]:
    """The rows that the lock knows; with an empty lock, those of which the folder has a checkpoint.

    Raises:
        RequestError: there is none.
        EnvironmentFault: the folder is not to be read.
    """
    locks = catalog.released().files
    rows = [row for row in _rows() if (row.alias in locks if locks else _has_checkpoint(row))]
    if not rows:
        raise RequestError(f'{folder_address(catalog.released().folder)}: no checkpoint of any row in it; the folder '
                           'has changed, see there')
    return rows


def release_status(row: Model, sha256: str) -> Optional[bool]:
    """Whether a checkpoint of that hash is the row's released one: True by the lock, False by the record, else None."""
    for known, confirmed in ((catalog.released(), True), (read_record(), False)):
        file = known.files.get(row.alias, ReleasedFiles()).checkpoint
        if file and file.sha256 == sha256:
            return confirmed
    return None


def fetch_all_released(say: Say = print) -> None:
    """Have every released checkpoint, and the logs."""
    for_each(lambda row: _fetch(row, say), released_rows(), WORKERS)


def _lock_row(row: Model, known: ReleasedFiles, say: Say) -> Optional[ReleasedFiles]:
    """What the folder has of a row, downloaded; None where it has no checkpoint."""
    found: Dict[str, ReleasedFile] = {}
    for kind in PATH_OF:
        listed = _listed(row, kind, say)
        if listed:
            old: Optional[ReleasedFile] = getattr(known, kind)
            if old and (old.path, old.id) == listed:
                _obtain_known(row, old, say)
                found[kind] = old
            else:
                found[kind] = _obtain_new(row, kind, *listed, say, accept_by_hand=False)
    return ReleasedFiles(**found) if 'checkpoint' in found else None


def lock_released(say: Say = print) -> None:
    """Download what the folder has of our rows, and write the catalog's lock; rows that fail keep their entry.

    Raises:
        RequestError: inside an image, or the catalog cannot be written.
        HeadError: what failed, after the rest was written.
    """
    path, released = catalog.FOLDER / 'released.yaml', catalog.released()
    if container_image():
        raise RequestError('fetch lock: writes the catalog of a checkout; run it there, not in an image')
    try:
        with tempfile.TemporaryFile(dir=str(path.parent)):
            pass
    except OSError as error:
        raise RequestError(f'{path.parent}: not writable ({error.strerror}); run fetch lock in a checkout of yours'
                           ) from error
    files = dict(released.files)

    def one(row: Model) -> None:
        found = _lock_row(row, released.files.get(row.alias, ReleasedFiles()), say)
        if found:
            files[row.alias] = found
        else:
            say(f'{row.alias}: the folder has no checkpoint')

    list_folder(released.folder)
    errors: List[HeadError] = []
    try:
        for_each(one, _rows(), WORKERS)
    except HeadError as error:
        errors.append(error)
    lines = path.read_text().splitlines(keepends=True)
    comment = ''.join(line for line in lines if line.startswith('#'))
    files = {alias: files[alias] for alias in catalog.models() if alias in files}
    try:
        write_released(path, replace(released, files=files), comment)
        say(f'{path}: {len(files)} rows; commit it: git add {os.path.relpath(str(path))}')
    except OSError as error:
        errors.append(EnvironmentFault(f'{path}: not written ({error.strerror}); what was fetched stays'))
    raise_together(errors)
