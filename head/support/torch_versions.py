"""What the engine cannot do on either stack's torch. mmcv's parallel wrappers: `head.method.parallel_wrappers`."""

from typing import Any

import torch

untyped_torch: Any = torch
"""For names that one of them lacks, where the other one's are used."""

HAS_AUTOCAST = hasattr(torch, 'autocast')
"""Mixed precision on every device and in bfloat16: since torch 1.10."""

WRITES_ONNX = not hasattr(torch, 'compile')
"""torch 2's exporter that traces stops at an internal error in mmcv's NMS, its new one cannot read mmdet's models."""
