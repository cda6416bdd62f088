"""Single images of COCO, several at once."""

import functools
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any, Dict, Sequence, Union

from tqdm import tqdm

from .. import catalog
from ..coco.image_file import MOST_BYTES, read_image
from .download import download, web

WORKERS = 8


def _fetch(folder: Union[str, Path], split: str, image: Dict[str, Any]) -> None:
    target = Path(folder, split, image['file_name'])

    def check(path: Path) -> str:
        return read_image(str(path), image['width'], image['height'])[0]

    if target.exists() and not check(target):
        return
    address = catalog.coco().image_address.format(split=split, name=image['file_name'])
    download(web(address), target, check, hashed=False, largest=MOST_BYTES)


def fetch_images(images: Sequence[Dict[str, Any]], folder: Union[str, Path], split: str) -> None:
    """Fetch images one by one into `folder/split`; whole ones that are there are kept. Ends with the first failure.

    COCO publishes no hash of a single image: what comes must decode and have the size that the annotations say.

    Args:
        images: of the annotations: `file_name`, `width`, `height`.

    Raises:
        EnvironmentFault: see `download`.
    """
    Path(folder, split).mkdir(parents=True, exist_ok=True)
    with ThreadPool(WORKERS) as pool:
        done = pool.imap_unordered(functools.partial(_fetch, folder, split), images)
        for _ in tqdm(done, total=len(images), desc=split, unit=' images', leave=False, disable=None):
            pass
