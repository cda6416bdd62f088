"""What was downloaded of the authors' folder without a lock, in the lock's format: a later change is noticed by it."""

from pathlib import Path
from typing import List, Optional, Tuple

import msgspec
import yaml
from msgspec.structs import replace

from .. import catalog
from ..catalog import Model, Released, ReleasedFile, ReleasedFiles
from ..errors import RequestError
from ..support.atomic_write import write_text
from ..support.folders import WORK_DIRS
from ..support.locks import locked

FOLDER = Path(WORK_DIRS, 'released')
RECORD = FOLDER / 'released.yaml'


class Record(Released, frozen=True, forbid_unknown_fields=True):
    """What was downloaded without a lock; `by_hand`: the hashes of what somebody else had put there."""

    by_hand: List[str] = []


def read_record() -> Record:
    if not RECORD.exists():
        return Record(catalog.released().folder, {})
    try:
        return catalog.read_yaml(RECORD, Record)
    except RequestError as error:
        raise RequestError(f'{error}; move it away, it is only a record of what was downloaded') from error


def recorded(row: Model, kind: str) -> Tuple[Optional[ReleasedFile], bool]:
    """What the record has of a row, and whether somebody else had put it there."""
    record = read_record()
    file: Optional[ReleasedFile] = getattr(record.files.get(row.alias, ReleasedFiles()), kind)
    return file, file is not None and file.sha256 in record.by_hand


def write_released(path: Path, released: Released, comment: str = '') -> None:
    """Write a lock or record, without its empty fields."""
    content = msgspec.to_builtins(released)
    for files in content['files'].values():
        for kind in [kind for kind, file in files.items() if file is None]:
            del files[kind]
    write_text(str(path), comment + yaml.safe_dump(content, sort_keys=False))


def remember(row: Model, kind: str, file: ReleasedFile, by_hand: bool) -> None:
    """Put a first download on record."""
    with locked(RECORD):
        record = read_record()
        files = replace(record.files.get(row.alias, ReleasedFiles()), **{kind: file})
        others = [sha256 for sha256 in record.by_hand if sha256 != file.sha256]
        write_released(RECORD, replace(record, files=dict(record.files, **{row.alias: files}),
                               by_hand=others + [file.sha256] * by_hand))
