"""Several at once, all of them, and what failed at the end."""

from multiprocessing.pool import ThreadPool

from ..errors import HeadError


def raise_together(errors):
    """Raise what went wrong as one error, with the status of the gravest; nothing if nothing did."""
    if errors:
        gravest = max(errors, key=lambda error: error.status)
        raise type(gravest)('; '.join(dict.fromkeys(map(str, errors))))


def each(function, items, workers):
    """Call `function` on every item, also when some fail.

    The threads are daemons: an interrupted program does not wait for them.

    Raises:
        HeadError: what failed, together.
    """
    errors = []

    def one(item):
        try:
            function(item)
        except HeadError as error:
            errors.append(error)

    with ThreadPool(workers) as pool:
        for _ in pool.imap_unordered(one, items):
            pass
    raise_together(errors)
