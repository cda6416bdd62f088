"""A tiny COCO: cut from a COCO folder, or fetched image by image.

Where it is fetched, the annotations are checked by hash; the images only by decoding and size, see `fetch_images`.
"""

import os
import shutil
from pathlib import Path
from typing import Any, Dict, Union

from .. import catalog
from ..coco.folder import check_split, read_annotations, require_images
from ..coco.subset import choose, restrict, take_images, write_annotations
from ..errors import RequestError
from ..support.disk_space import require_space
from ..support.folders import require_place
from ..support.locks import Say, hidden_path, locked
from .coco import ann_file, fetch_annotations, is_filled
from .images import fetch_images

IMAGE_BYTES = 400_000
"""More than most images of COCO have."""


def _chosen(folder: Path, split: str, number: int) -> Dict[str, Any]:
    """The content of the split's annotation file, restricted to the images that the rule chooses.

    Raises:
        RequestError: see `read_annotations`.
    """
    _, content = read_annotations(str(ann_file(folder, split)))
    return restrict(content, choose(content, number))


def _check_existing(out: Path, wanted: Dict[str, Dict[str, Any]]) -> None:
    """RequestError unless the folder `out` is the subset `wanted` (split -> content)."""
    for split, content in wanted.items():
        path = ann_file(out, split)
        if not path.exists() or read_annotations(str(path))[1] != content:
            raise RequestError(f'{out}: is there, and not this subset; move it away or name another folder: out=')
        check_split(str(path), str(out / split))


def cut_tiny(folder: Union[str, Path], out: Union[str, Path], number: int, say: Say = print) -> None:
    """Have a subset of `number` images of each split as a COCO folder of its own.

    Cut from the splits whose images are in `folder`; where there are none, the annotations are fetched to `folder` and
    the images of both splits one by one. For the rule see `head.coco.subset.choose`.

    Raises:
        RequestError: `folder` is broken, or `out` is something else, or no folder.
        EnvironmentFault: no room, or see `download`.
    """
    folder, out = Path(folder), Path(out)
    require_place(out, 'out')
    splits = [split for split in catalog.coco().splits if is_filled(folder / split)]
    for split in splits:
        require_images(str(ann_file(folder, split)), str(folder / split))
    if not splits:
        fetch_annotations(folder, say)
    wanted = {split: _chosen(folder, split, number) for split in splits or catalog.coco().splits}
    with locked(out, say):
        if is_filled(out):
            _check_existing(out, wanted)
            say(f'{out}: is there')
            return
        place = hidden_path(out, f'{number}.part')
        if splits and place.exists():  # fetched images, unlike copies, are worth keeping from an interrupted run
            shutil.rmtree(str(place))
        if place.is_symlink():  # somebody else's, where the folder is shared
            place.unlink()
        place.mkdir(exist_ok=True)
        require_space(place, sum(len(content['images']) for content in wanted.values()) * IMAGE_BYTES)
        for split, content in wanted.items():
            if splits:
                take_images(folder, content['images'], place, split)
            else:
                fetch_images(content['images'], place, split)
            write_annotations(content, place, split)
        os.rename(str(place), str(out))
    for split, content in wanted.items():
        categories = {one['category_id'] for one in content['annotations']}
        say(f'{out / split}: {len(content["images"])} images, {len(content["annotations"])} annotations of '
            f'{len(categories)} categories')
