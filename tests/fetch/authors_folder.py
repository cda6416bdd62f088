"""What the stand-in's folder of the authors holds: ids, names, and weights."""

import io

import torch

from head import catalog
from head.engine.configuration import load_config
from head.engine.inference import build_for_inference

FOLDER = catalog.released().folder
CONFIG = catalog.models()['head_r18'].config
STEM = 'head_retina_faster_r18_fpn_mstrain_1x_coco'
CHECKPOINT = 'epoch_12.pth'
BINARY = 'application/octet-stream'


def number(name):
    """A Drive id."""
    return f'id-of-{name}'.replace('.', '_')


def untrained(alias, **meta):
    """The bytes of a checkpoint that has learnt nothing."""
    torch.manual_seed(0)
    model = build_for_inference(load_config(catalog.find_config(alias)[0]))
    memory = io.BytesIO()
    torch.save(dict(state_dict=model.state_dict(), meta=meta), memory)
    return memory.getvalue()
