"""An optimizer's state of a checkpoint: of this optimizer, this model and these hyperparameters, or refused."""

from inspect import signature
from typing import Any, Dict, List, Tuple

import torch

from ..errors import RequestError
from ..support.printed_text import printable

TOLD = dict(lr='lr', momentum='momentum', weight_decay='weight decay')
"""Hyperparameters as messages call them; the others by their own names."""

VARIES = ('params', 'lr', 'initial_lr')
"""Of a parameter group: what is no hyperparameter. The learning rate before warm-up and steps is compared as one."""


def restore_optimizer(optimizer: torch.optim.Optimizer, saved: Any, where: str) -> None:
    """Load a state that fits.

    Args:
        optimizer: as it was built; its parameters have their weights.
        saved: what the file has.
        where: for messages.

    Raises:
        RequestError: other parameters or hyperparameters, or a state that is none of theirs.
    """
    problem = _misfit(optimizer, saved)
    if problem:
        raise RequestError(f'{where}: its optimizer is not this config\'s ({problem}); give the config that it was '
                           'trained with')
    asked, found = _hyperparameters(optimizer.param_groups), _hyperparameters(saved['param_groups'])
    for begun, now in zip(found, asked):
        differing = [name for name in now if name in begun and begun[name] != now[name]]
        if differing:
            raise RequestError(f'{where}: was begun with {_told(begun, differing)}, this run asks for '
                               f'{_told(now, differing)}; give the same config and batch size')
    # the other torch has more of them, or fewer
    groups = [{**own, **{name: value for name, value in group.items() if name in own or name == 'initial_lr'}}
              for group, own in zip(saved['param_groups'], optimizer.param_groups)]
    optimizer.load_state_dict(dict(state=saved['state'], param_groups=groups))


def _hyperparameters(groups: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """Those of each group by name; `lr` before warm-up and steps."""
    return [dict({name: value for name, value in group.items() if name not in VARIES},
                 lr=group.get('initial_lr', group.get('lr'))) for group in groups]


def _told(hyperparameters, names):
    return ', '.join(f'{TOLD.get(name, name)} {printable(str(hyperparameters[name]))}' for name in sorted(names))


def _misfit(optimizer: torch.optim.Optimizer, saved: Any) -> str:
    """What keeps a state from being the optimizer's, or an empty string."""
    groups = saved.get('param_groups') if isinstance(saved, dict) else None
    if not (isinstance(groups, list) and all(isinstance(group, dict) for group in groups)
            and isinstance(saved.get('state'), dict)):
        return 'it has no state and param_groups'
    if len(groups) != len(optimizer.param_groups):
        return f'{len(groups)} parameter groups, not {len(optimizer.param_groups)}'
    shapes: Dict[int, Tuple[int, ...]] = {}
    for group, own in zip(groups, optimizer.param_groups):
        names = group.get('params')
        if not (isinstance(names, list) and all(type(name) is int for name in names)):
            return 'a parameter group without numbers of parameters'
        if len(names) != len(own['params']):
            return f'{len(names)} parameters in a group, not {len(own["params"])}'
        shapes.update((name, tuple(parameter.shape)) for name, parameter in zip(names, own['params']))
        rates = [group.get('lr'), group.get('initial_lr', 0)]
        if not (all(type(rate) in (int, float) and 0 <= rate <= 1e30 for rate in rates)
                and all(_is_setting(value) for name, value in group.items() if name != 'params')):
            return 'a hyperparameter that is none'
    if len(shapes) != sum(len(own['params']) for own in optimizer.param_groups):
        return 'one parameter twice'
    form = _state_form(optimizer)
    for name, state in saved['state'].items():
        if name not in shapes or not isinstance(state, dict):
            return 'the state of a parameter that there is not'
        if state and state.keys() != form.keys():
            return f'a state without {", ".join(form) or "anything"}, or with more'
        for key, value in state.items():
            problem = _state_problem(value, form[key], shapes[name])
            if problem:
                return f'{key} {problem}'
    return ''


def _state_form(optimizer: torch.optim.Optimizer) -> Dict[str, Any]:
    """The state that an optimizer of this kind and setting has of a parameter of two numbers after a step."""
    parameter = torch.nn.Parameter(torch.zeros(2))
    parameter.grad = torch.zeros(2)
    kind: Any = type(optimizer)
    taken = signature(kind).parameters  # a subclass can fix what is among its base's defaults
    one = kind([parameter], **{name: value for name, value in optimizer.defaults.items() if name in taken})
    one.step()
    return dict(one.state[parameter])


def _is_setting(value: Any) -> bool:
    """Whether it can be a hyperparameter; all numbers are finite."""
    parts = value if type(value) in (tuple, list) and len(value) <= 8 else [value]
    return all(part is None or type(part) in (bool, str) or (type(part) in (int, float) and abs(part) <= 1e30)
               for part in parts)


def _state_problem(value: Any, form: Any, shape: Tuple[int, ...]) -> str:
    """Why a value cannot be of the state of a parameter of that shape, or an empty string; for `form` see
    `_state_form`."""
    if isinstance(form, torch.Tensor) and form.dim():
        if value is None:  # SGD's before its first step
            return ''
        if not isinstance(value, torch.Tensor) or tuple(value.shape) != shape or not value.is_floating_point():
            return 'is not of the parameter\'s shape and kind'
        return '' if torch.isfinite(value.float()).all() else 'has NaN or infinity in it'
    if form is None:
        return '' if value is None else 'is not None'
    if isinstance(value, torch.Tensor) and not value.dim() and not value.is_complex():
        value = value.item()
    return '' if type(value) in (int, float) and 0 <= value <= 1e12 else 'is no number of steps'
