"""What makes two trainings the same run: one may continue where the other was interrupted."""

import os
from typing import Any, Dict, Iterable, List, Optional

from msgspec import Meta, Struct, to_builtins
from typing_extensions import Annotated

from ..coco.folder import Split
from ..errors import RequestError
from ..results.json_reading import convert, parse_json, read_bytes
from ..results.verdict_file import Weights
from ..support.atomic_write import write_json
from ..support.file_hash import file_hash
from ..support.file_names import is_file_name
from ..support.printed_text import printable
from .meta import Setting

FILE = 'run.json'
"""In the work dir, from before the first step on."""

ADVICE = 'name another work_dir, or continue with resume=FILE in another one'

PLACES = ('ann_file', 'img_prefix', 'checkpoint', 'ckpt')
"""Of data and weights, wherever they lie; the hashes of their files tell what they are."""


END_ALIKE = 'step', 'fixed', 'exp', 'inv'
"""Policies of the learning rate that do not depend on when a training ends; it may be made longer."""


class _Source(Struct, forbid_unknown_fields=True):
    path: str
    sha256: str


class _Run(Struct):
    """What `FILE` has, see `write`."""

    run: Dict[str, Setting]
    log: str
    steps: Annotated[int, Meta(ge=1, le=10**9)]
    source: Optional[_Source]


def identity(cfg: Any, splits: Dict[str, Split], weights: Iterable[Weights], amp: Optional[str], tf32: bool, fast: bool,
             images_a_step: int, epochs: int) -> Dict[str, Any]:
    """A flat record of everything that decides a training's numbers, by name.

    Args:
        cfg: as it runs, its learning rate scaled.
        splits: the data, their images read.
        weights: that it starts from.
        amp: mixed precision, or None.
        tf32: whether float32 operations may take TensorFloat-32.
        fast: whether the detector computes in its fast forms.
        images_a_step: images of one optimizer step, of all processes.
        epochs: after which it ends, which matters where the learning rate depends on it.
    """
    parts = dict(model=cfg.model, optimizer=cfg.optimizer, optimizer_config=cfg.optimizer_config,
                 lr_config=cfg.lr_config, momentum_config=cfg.get('momentum_config'),
                 custom_hooks=cfg.get('custom_hooks'), train=cfg.data.train, val=cfg.data.val)
    found = dict(config=os.path.basename(cfg.filename), seed=cfg.seed, amp=amp, tf32=tf32, fast=fast,
                 images_a_step=images_a_step, images_a_batch=cfg.data.samples_per_gpu)
    if cfg.lr_config.get('policy') not in END_ALIKE:
        found['epochs'] = epochs
    for name, split in splits.items():
        found.update({f'{name}2017': split.sha256, f'images of {name}2017': split.images_sha256})
    found.update((one.part, one.sha256) for one in weights)
    found.update(_flat(parts))
    return found


def _flat(node, prefix=''):
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in items:
        if isinstance(value, (dict, list, tuple)):
            yield from _flat(value, f'{prefix}{key}.')
        elif key not in PLACES:
            yield f'{prefix}{key}', value if isinstance(value, (str, int, float, type(None))) else str(value)


def _told(run, key):
    return printable(str(run.get(key)))


def differences(begun: Dict[str, Any], asked: Dict[str, Any]) -> List[str]:
    """Lines that tell in what two identities differ."""
    missing = object()
    return [f'{printable(key)}={_told(begun, key)}, now {_told(asked, key)}' for key in sorted({*begun, *asked})
            if begun.get(key, missing) != asked.get(key, missing)]


def require_same(begun: Dict[str, Any], asked: Dict[str, Any], where: str) -> None:
    """Raises:
        RequestError: the run that `where` names is another one than is asked for.
    """
    found = differences(begun, asked)
    if found:
        more = f' and {len(found) - 3} more' if len(found) > 3 else ''
        raise RequestError(f'{where}: of another run, {"; ".join(found[:3])}{more}; give the same settings, or another '
                           'work_dir')


def source(path: str) -> Dict[str, str]:
    """What names the checkpoint that a run was begun from: ``path`` and ``sha256``."""
    return dict(path=os.path.abspath(path), sha256=file_hash(path))


def is_source(path: str, begun: Dict[str, Any]) -> bool:
    """Whether a run was begun from that checkpoint, which need not be there any more.

    Raises:
        RequestError: it was, and the file is another one now.
    """
    found = begun['source'] or {}
    if found.get('path') != os.path.abspath(path):
        return False
    if os.path.isfile(path) and file_hash(path) != found['sha256']:
        raise RequestError(f'resume={path}: another file than the run was begun from; leave resume= out to continue it')
    return True


def write(work_dir: str, run: Dict[str, Any], timestamp: str, steps: int,
          begun_from: Optional[Dict[str, str]]) -> None:
    """Leave word of a run in its work dir.

    Args:
        work_dir: the folder.
        run: see `identity`.
        timestamp: what its logs are named by.
        steps: of an epoch.
        begun_from: `source` of a checkpoint, or None.
    """
    write_json(os.path.join(work_dir, FILE), dict(run=run, log=timestamp, steps=steps, source=begun_from))


def read(work_dir: str) -> Optional[Dict[str, Any]]:
    """What `write` has left; None where there is nothing.

    Raises:
        RequestError: the file is damaged.
    """
    path = os.path.join(work_dir, FILE)
    if not os.path.isfile(path):
        return None
    raw = read_bytes(path)
    try:
        content = convert(parse_json(raw, path), _Run, path)
    except RequestError as error:
        raise RequestError(f'{path}: damaged; {ADVICE}') from error
    if not is_file_name(content.log):
        raise RequestError(f'{path}: damaged; {ADVICE}')
    found: Dict[str, Any] = to_builtins(content)
    return found
