"""Metrics as json: mmdet's ``eval_*.json`` (a config and a metric), or the numbers by name alone."""

from dataclasses import dataclass
from typing import Any, Dict, Optional

from ..errors import RequestError
from .json_reading import is_number


@dataclass
class Metrics:
    """`values`: metric name -> value, 0 to 1. `config`: as the file names it, or None."""

    values: Dict[str, float]
    config: Optional[str] = None


def metrics_in(content: Dict[str, Any], path: str) -> Metrics:
    """The metrics of parsed json.

    Raises:
        RequestError: there are none; names `path`.
    """
    inner = content.get('metric', content)
    if isinstance(inner, dict):
        values = {name: value for name, value in inner.items() if is_number(value)}
        if values:
            config = content.get('config')
            return Metrics(values, config if isinstance(config, str) else None)
    raise RequestError(f'{path}: neither a verdict nor metrics; name a file or work dir of a run')
