"""Building what a config names: whatever mmdet or mmcv raise there is the config's fault, and said in one line."""

import contextlib
from typing import Any, Iterable, Iterator
from unittest import mock

from mmcv.cnn import ConvModule
from mmcv.cnn.utils import weight_init
from mmcv.runner import base_module
from torch import Tensor, nn

from ..errors import EnvironmentFault, HeadError, RequestError
from ..support.atomic_write import NO_SPACE
from ..support.available_memory import require_memory
from .known_failures import MORE_MEMORY, as_head_error

LONGEST, LONGEST_VALUE = 300, 80
"""Characters of another's message, and of a value, that are told; some hold whole configs."""

LARGE_LAYER = 1 << 24
"""Bytes of a layer's weights from which on it is looked whether there is room; it takes less time than to fill them."""


def said(error: BaseException) -> str:
    """An error's kind and message in one printable line."""
    while not str(error) and error.__context__:  # mmcv raises some anew without their message
        error = error.__context__
    text = ' '.join(str(error).split())
    text = ''.join(letter if letter.isprintable() else '?' for letter in text)
    return f'{type(error).__name__}: {text[:LONGEST]}' if text else type(error).__name__


def as_config_error(error: BaseException, key: str, failed: str, overrides: Iterable[str] = ()) -> HeadError:
    """The `HeadError` that names the part of the config that an error comes from; a `HeadError` is its own.

    Args:
        error: that was raised.
        key: dotted, of that part.
        failed: what could not be done.
        overrides: dotted keys that were given by hand; those of this part are named too.
    """
    if isinstance(error, OSError) and error.errno in NO_SPACE:
        return EnvironmentFault(f'no space left on the disk ({error.filename or key}): make room')
    known = as_head_error(error, MORE_MEMORY) if isinstance(error, Exception) else error
    if isinstance(known, HeadError):
        return known
    by_hand = [one for one in overrides if one.startswith(f'{key}.')]
    named = f'{key} (by hand: {", ".join(by_hand)})' if by_hand else key
    return RequestError(f'{named}: {failed} ({said(error)})')


def shown(value: Any) -> str:
    """A config's value as a message tells it: printable and short."""
    text = value if isinstance(value, str) and value.isprintable() else repr(value)
    return text if len(text) <= LONGEST_VALUE else f'{text[:LONGEST_VALUE]}…'


def _as_raised(error: HeadError) -> HeadError:
    """The error itself: mmcv raises those of what it builds anew, the class's name in front."""
    while isinstance(error.__context__, HeadError) and str(error).endswith(f': {error.__context__}'):
        error = error.__context__
    return error


@contextlib.contextmanager
def building(key: str, overrides: Iterable[str] = (),
             failed: str = 'cannot be built from this config') -> Iterator[None]:
    """Turn every error into the one that names a part of the config, see `as_config_error`.

    Raises:
        RequestError: for any error but a `HeadError`, which passes.
        EnvironmentFault: memory is short.
    """
    try:
        yield
    except HeadError as error:
        raise _as_raised(error) from None
    except (Exception, SystemExit, GeneratorExit) as error:
        raise as_config_error(error, key, failed, overrides) from error


def _zero(module: Any) -> None:
    for one in module.parameters(recurse=False):
        bytes_of_it = one.numel() * one.element_size()
        if bytes_of_it > LARGE_LAYER:  # the system gives memory when it is written to, and ends the process then
            require_memory(f'a {type(module).__name__} with {one.numel()} weights', bytes_of_it, 'give a smaller one')
        nn.init.zeros_(one)


def _zeroed(one: Any, *_: Any, **__: Any) -> Any:
    return one.zero_()


def _unsaid(*_: Any, **__: Any) -> None:
    pass


@contextlib.contextmanager
def without_initial_values() -> Iterator[None]:
    """Build layers of zeros: a model whose values nobody reads is made in a third of the time.

    Its `init_weights` finds out what is wrong with its initializers, and draws and logs nothing. For one thread at a
    time, as it changes torch's functions.
    """
    with contextlib.ExitStack() as stack, _initialization_unlogged():
        for layer in (nn.modules.conv._ConvNd, nn.Linear):
            stack.enter_context(mock.patch.object(layer, 'reset_parameters', _zero))
        stack.enter_context(mock.patch.object(ConvModule, 'init_weights', lambda _: None))
        for draw in ('normal_', 'uniform_'):
            stack.enter_context(mock.patch.object(Tensor, draw, _zeroed))
        yield


@contextlib.contextmanager
def _initialization_unlogged():
    """mmcv writes what it initialized to its first logger, or makes one; the training's is to be the first."""
    with mock.patch.object(weight_init, 'update_init_info', _unsaid), \
            mock.patch.object(base_module, 'print_log', _unsaid), \
            mock.patch.object(base_module.BaseModule, '_dump_init_info', _unsaid):
        yield


def _names_weights(init_cfg: Any) -> bool:
    if isinstance(init_cfg, dict):
        return 'checkpoint' in init_cfg or any(map(_names_weights, init_cfg.values()))
    return isinstance(init_cfg, (list, tuple)) and any(map(_names_weights, init_cfg))


def set_initial_values(model: Any) -> None:
    """Give a model that was built `without_initial_values` random ones, as its config wants them; no file is read."""
    for module in model.modules():
        reset = getattr(module, 'reset_parameters', None) or getattr(module, '_reset_parameters', None)
        if reset:  # that of torch's layers
            reset()
        if isinstance(module, base_module.BaseModule):
            module._is_init = False  # mmcv initializes once only
            if _names_weights(module.init_cfg):
                module.init_cfg = None
    for module in model.modules():
        if isinstance(module, ConvModule):
            module.init_weights()
    with _initialization_unlogged():
        model.init_weights()
