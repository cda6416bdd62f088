"""COCO 2017: archives fetched, unpacked, checked; what is there already is checked only."""

import contextlib
import functools
import os
import shutil
from pathlib import Path
from typing import Iterable, List, Tuple, Union

from .. import catalog
from ..coco.folder import check_split
from ..errors import RequestError
from ..support.advice import call
from ..support.disk_space import require_space
from ..support.folders import COCO
from ..support.for_each import for_each
from ..support.locks import Say, hidden_path, locked
from .archives import unpack
from .download import ensure_file, web
from .hash_check import hash_check, hash_problem

UNPACKED = dict(train2017=1, val2017=1, annotations=4)
"""How many times its archive's size a folder has at most: pictures do not shrink, json does."""


def ann_file(folder: Union[str, Path], split: str) -> Path:
    """The split's annotation file."""
    return Path(folder, 'annotations', f'instances_{split}.json')


def is_filled(part: Path) -> bool:
    """Whether a part of the folder exists; an empty folder, like a mount point, does not count."""
    return part.is_dir() and any(part.iterdir())


def _left_over(archive: Path, place: Path) -> int:
    """Bytes that earlier runs have put on the disk already: archive, partial archive, half-unpacked folder."""
    paths = [archive, hidden_path(archive, 'part'), hidden_path(archive, 'done')]
    for above, _, names in os.walk(str(hidden_path(place, 'unpacking'))):
        paths += [Path(above, name) for name in names]
    total = 0
    for path in paths:
        with contextlib.suppress(FileNotFoundError):  # not there, or another process has just put it in place
            total += path.stat().st_size
    return total


def _require_room(folder: Path, names: Iterable[str]) -> None:
    """Check that archives and what they hold fit on the disk."""
    needed = 0
    for name in names:
        file = catalog.coco().archives[name]
        needed += (file.size or 0) * (1 + UNPACKED[name]) - _left_over(folder / Path(file.path).name, folder / name)
    folder.mkdir(parents=True, exist_ok=True)
    require_space(folder, needed)


def _archive(folder: Path, name: str, say: Say) -> Path:
    """The archive, fetched into the folder."""
    file = catalog.coco().archives[name]
    target = folder / Path(file.path).name
    ensure_file(web(file.address), target, hash_check(file), file.size, say)
    return target


def _check_annotations(folder: Path, split: str) -> None:
    """RequestError unless the split's annotation file below `folder` is COCO's own."""
    path = ann_file(folder, split)
    problem = hash_problem('sha256', catalog.coco().splits[split].sha256, path)
    if problem:
        raise RequestError(f'{path}: not COCO\'s own: {problem}; move it away and fetch again: '
                           f'{call("fetch", "coco")}')


def _check_images(folder: Path, say: Say, split: str) -> None:
    """RequestError unless every image of the split is there."""
    facts = catalog.coco().splits[split]
    try:
        found = check_split(str(ann_file(folder, split)), str(folder / split))
    except RequestError as error:
        raise RequestError(f'{error}; move {folder / split} away and fetch again: '
                           f'{call("fetch", "coco", f"data={folder}")}') from error
    if (found.images, found.annotations, found.sha256) != (facts.images, facts.annotations, facts.sha256):
        raise RequestError(f'{folder}: {split} has {found.images} images and {found.annotations} annotations, not '
                           f'{facts.images} and {facts.annotations}; move {found.ann_file} away and fetch again')
    say(f'{folder / split}: complete, {found.images} images, {found.annotations} annotations')


def _missing_annotations(folder: Path) -> List[str]:
    return [split for split in catalog.coco().splits if not ann_file(folder, split).exists()]


def fetch_annotations(folder: Union[str, Path], say: Say = print) -> None:
    """Have the annotation files of both splits, checked; files that are there are kept.

    Raises:
        RequestError: one that is there is not COCO's.
        EnvironmentFault: no room, or see `download`.
    """
    folder = Path(folder)
    for split in catalog.coco().splits:
        if ann_file(folder, split).exists():
            _check_annotations(folder, split)
    if not _missing_annotations(folder):
        return
    place = folder / 'annotations'
    with locked(place, say):
        missing = _missing_annotations(folder)
        if not missing:  # another process was first
            return
        _require_room(folder, ['annotations'])
        archive = _archive(folder, 'annotations', say)
        unpacked = unpack(archive, folder, 'annotations', UNPACKED['annotations'])
        for split in missing:
            _check_annotations(unpacked.parent, split)
        archive.unlink()  # first: who is killed after the last renaming would leave it for ever
        place.mkdir(exist_ok=True)
        for path in sorted(unpacked.iterdir(), key=lambda path: path.name.startswith('instances_')):  # those last
            if not (place / path.name).exists():
                os.rename(str(path), str(place / path.name))
        shutil.rmtree(str(unpacked.parent))
        say(f'{place}: unpacked')


def _leftovers(folder: Path, split: str) -> Tuple[Path, Path]:
    """What a run may leave that is killed at its end: half-moved images, and an archive that is done with.

    The archive has a name of its own then, which tells it from one of the user's.
    """
    archive = folder / Path(catalog.coco().archives[split].path).name
    return hidden_path(folder / split, 'unpacking'), hidden_path(archive, 'done')


def _fetch_images(folder: Path, say: Say, split: str) -> None:
    """Fetch and unpack a split's images, unless they are there; removes what a killed run left of it."""
    place = folder / split
    archive = folder / Path(catalog.coco().archives[split].path).name
    unpacking, done = _leftovers(folder, split)
    with locked(place, say):
        if not is_filled(place):
            if done.exists():
                os.rename(str(done), str(archive))
            unpacked = unpack(_archive(folder, split, say), folder, split, UNPACKED[split])
            os.rename(str(archive), str(done))
            os.rename(str(unpacked), str(place))
        shutil.rmtree(str(unpacking), ignore_errors=True)
        if done.exists():
            done.unlink()


def _check_places(folder: Path, splits: Iterable[str]) -> None:
    """RequestError where an unpacked folder could not be renamed to: asked before the hours are spent."""
    for place in (folder / split for split in splits):
        if place.is_symlink() or os.path.ismount(str(place)):
            raise RequestError(f'{place}: is an empty link or mount point; remove it, or link or mount the folder '
                               'above')


def fetch_coco(folder: Union[str, Path] = COCO, say: Say = print) -> None:
    """Have COCO in `folder`: annotations/, train2017/, val2017/. Parts that are there are checked and kept.

    Raises:
        RequestError: a part that is there is broken.
        EnvironmentFault: no room for all of it, or see `download`.
    """
    folder, splits = Path(folder), list(catalog.coco().splits)
    missing = [split for split in splits if not is_filled(folder / split)]
    present = [split for split in splits if split not in missing]
    names = missing + (['annotations'] if _missing_annotations(folder) else [])
    _check_places(folder, missing)
    if names:
        _require_room(folder, names)
    fetch_annotations(folder, say)
    for split in present:
        _check_images(folder, say, split)
    unfinished = [split for split in present if any(path.exists() for path in _leftovers(folder, split))]
    for_each(functools.partial(_fetch_images, folder, say), missing + unfinished, workers=2)
    for split in missing:
        _check_images(folder, say, split)
