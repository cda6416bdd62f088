"""`export`: the student of a trained checkpoint as a plain mmdet RetinaNet, for those without this package."""

import contextlib
import copy
import os

import mmdet
import torch
from mmcv.runner import save_checkpoint
from mmdet.core import get_classes
from mmdet.models import build_detector
from safetensors.torch import save

from .. import __version__, catalog
from ..checkpoints.weights import load_checkpoint
from ..engine import configuration
from ..engine.building import building
from ..engine.config_values import Inference, check_values
from ..engine.inference import build_for_inference
from ..engine.onnx_file import onnx_content
from ..engine.plain_student import PAPER, head_name, stock_config, student_weights
from ..errors import DONE, EnvironmentFault, RequestError
from ..request import Request
from ..results.work_dir import open_folder
from ..support.atomic_write import atomic_path, is_written_through
from ..support.file_hash import file_hash
from ..support.folders import WORK_DIRS, require_place
from ..support.quiet import quietly
from ..support.torch_versions import WRITES_ONNX


def run(request: Request) -> int:
    """The command `export`; returns its exit status.

    Raises:
        RequestError: the config has no RetinaNet; the checkpoint is not the config's; a file is there already, or its
            folder cannot be written to.
        EnvironmentFault: onnx= is given, and this stack cannot write it.
    """
    path, row = catalog.find_config(request.require('config'))
    checkpoint = request.require('checkpoint')
    cfg = configuration.load_config(path)
    check_values(cfg, Inference)
    with building('model'):
        head = head_name(cfg.model)
    if head is None:
        raise RequestError(f'{path}: a {cfg.model.type}, which has no RetinaNet to export; name another config')
    out = request.get('out') or os.path.join(WORK_DIRS, path.stem, 'export')
    require_place(out, 'out')
    names = [os.path.join(out, path.stem + suffix) for suffix in ('.pth', '.py', '.safetensors')]
    names += [request.get('onnx')] if request.get('onnx') else []
    files = [name for name in names if not is_written_through(name)]
    for name in filter(os.path.lexists, files):
        raise RequestError(f'{name}: there already; move it away, or name another folder: out=')

    if request.get('onnx') and not WRITES_ONNX:
        raise EnvironmentFault(f'onnx=: torch {torch.__version__} cannot write mmdet\'s models; leave it out, or take '
                               'stack=paper')
    trained = build_for_inference(cfg)
    load_checkpoint(trained, checkpoint, path.name)
    with quietly(), building('model'):
        stock = stock_config(cfg)
        student = build_detector(copy.deepcopy(stock.model))
    student.load_state_dict(student_weights(trained.state_dict(), head))
    student.CLASSES = get_classes('coco')
    note = dict(
        config=row.alias if row else path.name,
        method=row.method if row else cfg.model.type,
        checkpoint_sha256=file_hash(checkpoint),
        exported_by=f'head {__version__}',
        paper=PAPER)

    for name in files:
        folder = os.path.dirname(os.path.abspath(name))
        open_folder(folder, folder)
    onnx = b''
    if request.get('onnx'):  # before a file is opened: others take one that is not written to for left over
        with building('data.test.pipeline', failed='no ONNX file comes of it'):
            onnx = onnx_content(student, stock.data.test.pipeline)
    with contextlib.ExitStack() as stack:  # every file is written before the first gets its name
        temporary = (stack.enter_context(atomic_path(name)) for name in names)
        save_checkpoint(student, next(temporary), meta=dict(mmdet_version=mmdet.__version__, head=note))
        with open(next(temporary), 'w', encoding='utf-8') as file:
            file.write(f'# The student of {note["config"]} ({PAPER}): plain mmdet, weights in {path.stem}.pth\n')
            file.write(configuration.config_text(stock))
        with open(next(temporary), 'wb') as file:  # safetensors' own writing raises no OSError
            file.write(save(student.state_dict(), metadata=dict(note, format='pt')))
        if onnx:
            with open(next(temporary), 'wb') as file:
                file.write(onnx)
    for name in files:
        print(f'written: {name} ({os.path.getsize(name) / 1e6:.1f} MB)')
    return DONE
