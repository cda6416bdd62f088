"""The keys of the command line: what they mean, of what kind they are, and what holds where they are not given."""

from dataclasses import dataclass
from typing import Any, Dict

from .support.folders import COCO, PRETRAINED


@dataclass(frozen=True)
class Key:
    """A key.

    Attributes:
        meaning: for the help.
        kind: ``str``, ``int`` (a whole number from `minimum` on), or ``bool`` (true or false).
        default: None where there is none, or where what holds depends on more; `meaning` tells it then.
        minimum: of a number.
        path: whether it names a file or folder.
    """

    meaning: str
    kind: type = str
    default: Any = None
    minimum: int = 1
    path: bool = False


KEYS: Dict[str, Key] = dict(
    config=Key('alias of the results table (head_r18, …) or path of a config file', path=True),
    checkpoint=Key('the weights; eval and detect fetch the released ones without it, export needs it', path=True),
    data=Key('COCO folder: annotations/, train2017/, val2017/', default=COCO, path=True),
    work_dir=Key('where results go (default work_dirs/CONFIG)', path=True),
    pretrained=Key('folder of the backbones\' and teachers\' weights, or none: random ones', default=PRETRAINED,
                   path=True),
    device=Key('cuda or cpu (default: a GPU if there is one; the CPU for smoke)'),
    gpus=Key('number of GPUs of this machine (default 1 if there is one)', int),
    procs=Key('number of processes with device=cpu (default 1)', int),
    nnodes=Key('number of machines that work together', int, 1),
    node_rank=Key('number of this machine, from 0; the machine 0 writes the results', int, minimum=0),
    rdzv=Key('HOST:PORT of the machine with node_rank=0, where they connect'),
    accumulate=Key('gradient accumulation: micro-batches per step and process, or auto: 16 images per step in total',
                   default='1'),
    seed=Key('random seed; a resumed run keeps its own, a config may have one', int, 3407, minimum=0),
    deterministic=Key('true or false: the same operations give the same bits (default true on the CPU)', bool),
    cudnn_benchmark=Key('true: cuDNN tries its algorithms for each size of images and takes the fastest', bool, False),
    tf32=Key('true: a GPU may compute float32 convolutions and products in TensorFloat-32 (10 bits)', bool, False),
    fast=Key('false: mmdet\'s own implementations instead of the faster ones', bool, True),
    epochs=Key('train that many epochs instead of the config\'s', int),
    iters=Key('stop the training after that many iterations, those before resume= included', int),
    amp=Key('bf16 or fp16: mixed precision, on the current stack only (default: none, as in the paper)'),
    resume=Key('auto: continue from the newest checkpoint in work_dir; or a checkpoint, of either stack',
               default='auto', path=True),
    save_iters=Key('also save every so many iterations', int),
    save_minutes=Key('also save after so many minutes', int),
    keep=Key('number of checkpoints to keep, the newest (default: all of epochs, two of others)', int),
    stack=Key('set of versions: paper, current, or auto: paper unless a GPU here needs current; an image has its own',
              default='auto'),
    json=Key('write what is printed to this file too', path=True),
    images=Key('number of images of the subset', int, 64),
    out=Key('where the result goes', path=True),
    onnx=Key('write the student as ONNX to this file too', path=True),
)
