"""`fetch`: COCO, weights and released checkpoints, checked by hash, resumed after an interruption."""

import os
from typing import List

from tqdm import tqdm

from ..errors import DONE, HeadError, RequestError
from ..fetch.coco import fetch_coco
from ..fetch.pretrained import fetch_weights
from ..fetch.released import fetch_all_released, fetch_released, lock_released
from ..fetch.tiny import cut_tiny
from ..request import Request
from ..support.advice import call
from ..support.container import container_image
from ..support.folders import COCO, WORK_DIRS
from ..support.for_each import raise_together

WORDS = dict(
    coco=('data', ),
    pretrained=('config', 'pretrained'),
    checkpoint=('config', ),
    tiny=('data', 'images', 'out'),
    all=('data', 'pretrained'),
    lock=(),
)
"""What can be fetched, and the keys that each takes."""

say = tqdm.write  # print, without tearing a progress bar


def _coco(request: Request) -> None:
    fetch_coco(request.value('data'), say)


def _pretrained(request: Request) -> None:
    fetch_weights(request.value('pretrained'), request.get('config'), say)


def _checkpoint(request: Request) -> None:
    fetch_released(request.require('config'), say)


def _tiny(request: Request) -> None:
    out = os.path.join(WORK_DIRS, 'coco_tiny') if container_image() else f'{COCO}_tiny'  # where an image can write
    cut_tiny(request.value('data'), request.get('out') or out, request.value('images'), say)


def _all(request: Request) -> None:
    errors: List[HeadError] = []
    for step in (_coco, _pretrained, lambda request: fetch_all_released(say)):
        try:
            step(request)
        except HeadError as error:
            errors.append(error)
    raise_together(errors)


def _lock(request: Request) -> None:
    lock_released(say)


def run(request: Request) -> int:
    """The command `fetch`; returns its exit status."""
    words = ', '.join(WORDS)
    if len(request.words) != 1 or request.words[0] not in WORDS:
        given = ' '.join(request.words)
        raise RequestError(f'fetch {given}: fetches one of {words}' if given else f'fetch what? One of {words}; '
                           f'for instance {call("fetch", "coco")}')
    word = request.words[0]
    for key in request.keys:
        if key not in (*WORDS[word], 'stack'):
            raise RequestError(f'{key}=: fetch {word} has no such key; it takes {", ".join(WORDS[word]) or "none"}')
    dict(coco=_coco, pretrained=_pretrained, checkpoint=_checkpoint, tiny=_tiny, all=_all, lock=_lock)[word](request)
    return DONE
