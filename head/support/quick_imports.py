"""The libraries' import, made quick. Light: no torch."""

import contextlib
import gc
import inspect
import sys
from types import ModuleType
from typing import Iterator, List, Optional


@contextlib.contextmanager
def quick_imports() -> Iterator[None]:
    """Import mmcv and mmdet in 0.4 of the time on the paper's stack, in 0.9 of it on the current one.

    Importing makes much and leaves little garbage, so none is collected meanwhile. Each `Registry` of mmcv 1.4 asks
    `inspect` in which package it is defined; to tell, `inspect.stack` reads the source lines of all callers and
    `inspect.getmodule` resolves the paths of all modules. Here a frame's module is the one that its globals name.
    (Later mmcv asks for one frame only.)
    """
    stack, getmodule, collects = inspect.stack, inspect.getmodule, gc.isenabled()

    def stack_without_sources(context: int = 0) -> List[inspect.FrameInfo]:
        return stack(0)[1:]  # from the caller on

    def module_by_globals(object: object, _filename: Optional[str] = None) -> Optional[ModuleType]:
        if inspect.isframe(object):
            return sys.modules.get(object.f_globals.get('__name__', ''))
        return getmodule(object, _filename)

    gc.disable()
    inspect.stack, inspect.getmodule = stack_without_sources, module_by_globals
    try:
        yield
    finally:
        inspect.stack, inspect.getmodule = stack, getmodule
        if collects:
            gc.enable()
