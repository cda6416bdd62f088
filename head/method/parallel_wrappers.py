"""mmcv's parallel wrappers on a torch that they are older than.

Importing this mends them, also for stock mmdet tools. What it puts in their place works on torch 1.9 as well as on
torch 2, so that both stacks run the same.
"""

import functools
from typing import Any

import torch
from mmcv.parallel import MMDistributedDataParallel, _functions
from mmcv.parallel.scatter_gather import scatter_kwargs


@functools.lru_cache(maxsize=None)
def background_stream(index: int) -> torch.cuda.Stream:
    """The CUDA stream on which mmcv copies batches to the GPU `index`.

    mmcv passes an index to torch's private `_get_stream`, which since torch 2.1 wants a `torch.device`: every GPU run
    would fail, also on a single GPU.
    """
    return torch.cuda.Stream(index)


def run_forward(self: Any, *inputs: Any, **kwargs: Any) -> Any:
    """`MMDistributedDataParallel`'s part of a forward pass: unpack mmcv's DataContainers and call the model.

    torch calls it since 1.12. mmcv's own asks for an attribute that torch dropped in 2.1, and without GPUs leaves the
    containers packed.
    """
    arguments, keywords = scatter_kwargs(inputs, kwargs, self.device_ids or [-1], dim=self.dim)
    return self.module(*arguments[0], **keywords[0])


_functions._get_stream = background_stream
MMDistributedDataParallel._run_ddp_forward = run_forward
