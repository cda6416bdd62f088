"""The libraries' import, made quick. Light: no torch."""

import contextlib
import functools
import gc
import inspect
import sys
from unittest import mock


@contextlib.contextmanager
def quick_imports():
    """Import mmcv and mmdet in less than half the time on the paper's stack, in 0.7 of it on the current one.

    Importing makes much and leaves no garbage, so none is collected meanwhile. Each `Registry` of mmcv 1.4 asks
    `inspect` in which package it is defined; to tell, `inspect.stack` reads the source lines of all callers and
    `inspect.getmodule` resolves the paths of all modules. Here a frame's module is the one that its globals name.
    (Later mmcv asks for one frame only.)
    """

    def getmodule(thing, *arguments, **keywords):
        if inspect.isframe(thing):
            return sys.modules.get(thing.f_globals['__name__'])
        return of_others(thing, *arguments, **keywords)

    of_others, collects = inspect.getmodule, gc.isenabled()
    gc.disable()
    try:
        with mock.patch.object(inspect, 'stack', functools.partial(inspect.stack, 0)), \
                mock.patch.object(inspect, 'getmodule', getmodule):
            yield
    finally:
        if collects:
            gc.enable()
