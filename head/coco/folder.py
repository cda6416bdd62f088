"""Is a folder COCO? Checked before hours are spent on it."""

import codecs
import functools
import hashlib
import os
from collections import Counter
from dataclasses import asdict, dataclass, replace
from pathlib import PurePosixPath
from typing import Any, Dict, Iterable, List, Optional, Sequence, Tuple, Union

import msgspec
from msgspec import Meta, Struct
from typing_extensions import Annotated

from ..catalog import coco
from ..errors import RequestError
from ..support.advice import call, mount
from ..support.container import container_image
from ..support.file_hash import file_hash
from ..support.file_kind import not_a_file
from ..support.json_numbers import no_number
from . import annotations
from .categories import ID_TO_NAME
from .image_checks import check_images

LAYOUT = 'a COCO folder has annotations/, train2017/, val2017/'


Id = Annotated[int, Meta(ge=-2**53, le=2**53)]
"""Any whole number that json carries safely; 0 and negative ones are numbers like others."""

LONGEST_SIDE = 65535
"""In pixels; a JPEG can have no more."""


class _Image(Struct, gc=False):
    id: Id
    file_name: Annotated[str, Meta(pattern=r'^[^\x00-\x1f\x7f]+$', max_length=1000)]
    width: float
    height: float


Pixels = Annotated[float, Meta(ge=-1e9, le=1e9)]
"""Far beyond any image, and not so far that areas lose their digits."""


class _Annotation(Struct, gc=False):
    id: Id
    image_id: Id
    category_id: int
    bbox: Tuple[Pixels, Pixels, Pixels, Pixels]
    area: Annotated[float, Meta(ge=-1e18, le=1e18)]
    iscrowd: Union[int, bool]


class _Category(Struct, gc=False):
    id: int
    name: str


class _Instances(Struct):
    """Of an annotation file, what it is checked by."""

    images: List[_Image]
    annotations: List[_Annotation]
    categories: List[_Category]


@dataclass(frozen=True)
class Split:
    """One checked split of a COCO folder.

    `sha256` is that of the annotation file, `images_sha256` that of all images, where they were read.
    """

    ann_file: str
    images: int
    annotations: int
    sha256: str
    images_sha256: Optional[str] = None

    @property
    def is_val2017(self) -> bool:
        """Whether this is COCO val2017: its own annotation file, and with it the right 5000 images."""
        return self.sha256 == coco().splits['val2017'].sha256

    def as_dict(self) -> Dict[str, Any]:
        """For the verdict."""
        return dict(asdict(self), is_val2017=self.is_val2017)


def _layout() -> str:
    return f'{LAYOUT}; {call("fetch", "coco")} brings it'


def _first(names: Sequence[object]) -> str:
    return f'{names[0]}' + (f' and {len(names) - 1} more' if len(names) > 1 else '')


def check_split(ann_file: str, img_prefix: str) -> Split:
    """Check one annotation file and its images, each of which is read where it was not found whole before.

    Args:
        ann_file: COCO instances json.
        img_prefix: folder of its images.

    Returns:
        what it holds.

    Raises:
        RequestError: see `require_images` and `check_images`.
    """
    split = require_images(ann_file, img_prefix)
    return replace(split, images_sha256=check_images(read_split(ann_file)[1], split.sha256, img_prefix))


def require_images(ann_file: str, img_prefix: str) -> Split:
    """Check one annotation file, and that its images are there.

    Args, Returns: see `check_split`.

    Raises:
        RequestError: see `read_annotations`; or images are missing.
    """
    split, found = read_split(ann_file)
    if not os.path.isdir(img_prefix):
        raise RequestError(f'{img_prefix}: no such folder; {_layout()}')
    with os.scandir(img_prefix) as entries:
        present = {entry.name for entry in entries}
    names = [name.decode() for name in found.names.tolist()]
    missing = [name for name in names if name not in present and not os.path.exists(os.path.join(img_prefix, name))]
    if missing:
        raise RequestError(f'{os.path.join(img_prefix, missing[0])}: listed in {ann_file} but missing'
                           f' ({len(missing)} of {len(names)} images); fetch them: {call("fetch", "coco")}')
    return split


def read_split(ann_file: str) -> Tuple[Split, annotations.Annotations]:
    """What an annotation file holds, checked; parsed only where no process has read these bytes before.

    Args:
        ann_file: COCO instances json.

    Raises:
        RequestError: see `read_annotations`.
    """
    _require(ann_file)
    state = os.stat(ann_file)
    return _read_split(ann_file, state.st_size, state.st_mtime_ns)


@functools.lru_cache(maxsize=4)
def _read_split(ann_file: str, size: int, changed: int) -> Tuple[Split, annotations.Annotations]:
    sha256 = file_hash(ann_file)
    found = annotations.cached(sha256)
    if found is not None:
        return Split(ann_file, len(found.images), len(found.objects), sha256), found
    split, content = read_annotations(ann_file)
    found = annotations.from_content(content)
    annotations.keep(split.sha256, found)
    return split, found


def _check(ann_file: str, raw: memoryview) -> Tuple[int, int]:
    """How many images and annotations the content of the file has.

    Raises:
        msgspec.MsgspecError: no json, or not of instances.
        RequestError: see `read_annotations`; or strays, or nothing in it.
    """
    found = msgspec.json.decode(raw, type=_Instances)
    categories = {category.id: category.name for category in found.categories}
    if categories != ID_TO_NAME:
        odd = sorted(set(categories.items()) ^ set(ID_TO_NAME.items()))
        raise RequestError(f'{ann_file}: its categories are not COCO\'s 80; they differ in {_first(odd)}; '
                           'take COCO\'s own file, or one in its form')
    if [category.id for category in found.categories] != list(ID_TO_NAME):  # mmdet's own data set counts them by place
        raise RequestError(f'{ann_file}: its categories are not in COCO\'s order; put each once, by ascending ids')
    _check_images(ann_file, found.images)
    ids = {image.id for image in found.images}
    strays = [box.id for box in found.annotations if box.image_id not in ids or box.category_id not in categories]
    if strays:
        raise RequestError(f'{ann_file}: annotations of no image or category: {_first(strays)}; fetch it again')
    twice = _twice(box.id for box in found.annotations)
    if twice:
        raise RequestError(f'{ann_file}: several annotations have the id {_first(twice)}; give each its own')
    if not found.images or not any(box.area and not box.iscrowd for box in found.annotations):
        raise RequestError(f'{ann_file}: lists no {"object" if found.images else "image"}; fetch it again')
    return len(found.images), len(found.annotations)


def _check_images(ann_file: str, images: List[_Image]) -> None:
    """RequestError where an image's name leaves its folder, its size is none, or its id is another's too."""
    for image in images:
        name = PurePosixPath(image.file_name)
        if name.is_absolute() or '..' in name.parts:
            raise RequestError(f'{ann_file}: an image\'s name is a path outside of its folder: {image.file_name!r}; '
                               'name the images by their place in the folder')
        if not (0 < image.width <= LONGEST_SIDE and 0 < image.height <= LONGEST_SIDE):
            raise RequestError(f'{ann_file}: the image {image.file_name} has {image.width:g} x {image.height:g} pixels '
                               'there; give it its size')
    twice = _twice(image.id for image in images)
    if twice:
        raise RequestError(f'{ann_file}: several images have the id {_first(twice)}; give each its own')


def _twice(ids: Iterable[int]) -> List[int]:
    return [number for number, count in Counter(ids).items() if count > 1]


def read_annotations(ann_file: str) -> Tuple[Split, Dict[str, Any]]:
    """Read and check one annotation file.

    Args:
        ann_file: COCO instances json; it may begin with the byte order mark that some editors put there.

    Returns:
        what it holds, and its content.

    Raises:
        RequestError: folder or file missing, json cut off, not instances, categories that are not COCO's; image names
            outside of their folder, images without a size, ids that are there twice.
    """
    _require(ann_file)
    with open(ann_file, 'rb') as file:
        raw = file.read()
    mark = len(codecs.BOM_UTF8) if raw.startswith(codecs.BOM_UTF8) else 0
    text = memoryview(raw)[mark:]
    try:
        images, annotations = _check(ann_file, text)  # what it reads is gone again before all of the content comes
        content = msgspec.json.decode(text)
    except msgspec.ValidationError as error:
        raise RequestError(f'{ann_file}: not COCO instances ({error})') from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        found = no_number(raw, error, mark)
        if found:
            raise RequestError(f'{ann_file}: {found[0].decode()} at byte {found.start()}, which json does not have; '
                               'write a number there') from error
        raise RequestError(f'{ann_file}: not json, or cut off ({error}); fetch it again') from error
    return Split(ann_file, images, annotations, hashlib.sha256(raw).hexdigest()), content


def _require(ann_file: str) -> None:
    folder = os.path.dirname(os.path.dirname(ann_file)) or '.'
    if not os.path.isdir(folder):
        raise RequestError(f'{folder}: no such folder; data= names a COCO folder')
    layout = _layout()
    if container_image() and not any(name for name in os.listdir(folder) if not name.startswith('.')):
        layout += f', or mount yours: {mount(folder, read_only=True)}'
    wrong = not_a_file(ann_file)
    if wrong:
        raise RequestError(f'{ann_file}: {wrong}; {layout}')
