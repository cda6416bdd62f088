"""Several at once, all of them, and what failed at the end."""

from multiprocessing.pool import ThreadPool
from typing import Callable, Iterable, List, Sequence, TypeVar

from ..errors import HeadError

T = TypeVar('T')


def raise_together(errors: Sequence[HeadError]) -> None:
    """Raise what went wrong as one error, with the status of the gravest; nothing if nothing did."""
    if errors:
        gravest = max(errors, key=lambda error: error.status)
        raise type(gravest)('; '.join(dict.fromkeys(map(str, errors))))


def for_each(function: Callable[[T], object], items: Iterable[T], workers: int) -> None:
    """Call `function` on every item, also when some fail.

    The threads are daemons: an interrupted program does not wait for them.

    Raises:
        HeadError: what failed, together.
    """
    errors: List[HeadError] = []

    def one(item: T) -> None:
        try:
            function(item)
        except HeadError as error:
            errors.append(error)

    with ThreadPool(workers) as pool:
        for _ in pool.imap_unordered(one, items):
            pass
    raise_together(errors)
