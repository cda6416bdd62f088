"""Dotted keys, as configs and overrides of them are addressed. Light: no torch."""


def is_inside(key: str, above: str) -> bool:
    """Whether a dotted key is another one, or below it."""
    return f'{key}.'.startswith(f'{above}.')
