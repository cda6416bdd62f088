"""The data sets inside of mmdet's wrappers: `RepeatDataset`, `ClassBalancedDataset`, `ConcatDataset` and their kin."""

from typing import Any, Callable, Iterator, Tuple

from ..errors import RequestError
from .building import shown


def configs_inside(cfg: Any, key: str) -> Iterator[Tuple[str, Any]]:
    """(dotted key, config) of every data set that reads images, in order.

    Args:
        cfg: of a data set, of a wrapper with ``dataset`` or ``datasets``, or a list of them, which mmdet concatenates.
        key: its dotted key.

    Raises:
        RequestError: something else stands there.
    """
    if isinstance(cfg, (list, tuple)) and cfg:
        for number, one in enumerate(cfg):
            yield from configs_inside(one, f'{key}.{number}')
    elif isinstance(cfg, dict) and 'dataset' in cfg:
        yield from configs_inside(cfg['dataset'], f'{key}.dataset')
    elif isinstance(cfg, dict) and 'datasets' in cfg:
        yield from configs_inside(cfg['datasets'], f'{key}.datasets')
    elif isinstance(cfg, dict):
        yield key, cfg
    else:
        raise RequestError(f'{key}: the config has {shown(cfg)} there, where a data set belongs: a dict with its type')


def with_each(cfg: Any, change: Callable[[Any], Any]) -> Any:
    """A config of a data set, of a wrapper or a list of them, with `change` of every config that reads images."""
    if isinstance(cfg, (list, tuple)):
        return [with_each(one, change) for one in cfg]
    for key in ('dataset', 'datasets'):
        if key in cfg:
            return dict(cfg, **{key: with_each(cfg[key], change)})
    return change(cfg)


def data_sets_inside(data_set: Any) -> Iterator[Any]:
    """The built data sets that read images, in order."""
    if hasattr(data_set, 'datasets'):
        for one in data_set.datasets:
            yield from data_sets_inside(one)
    elif hasattr(data_set, 'dataset'):
        yield from data_sets_inside(data_set.dataset)
    else:
        yield data_set
