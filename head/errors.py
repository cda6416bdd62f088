"""How a command ends: the documented exit statuses."""

DONE, FELL_SHORT, BAD_REQUEST, CANNOT, INTERRUPTED = 0, 1, 2, 3, 75


class HeadError(Exception):
    """Ends a command with one line on stderr and `status`; the message names the thing and what to do.

    `saved` is put behind the message: what of a training is kept. `agreed` tells that all processes end with it.
    """

    status, saved, agreed = BAD_REQUEST, '', False


class RequestError(HeadError):
    """The request was wrong: unknown alias, missing file, broken data."""


class EnvironmentFault(HeadError):
    """This machine or environment cannot do it."""

    status = CANNOT


class LostPeer(HeadError):
    """Another process is gone or silent. A launcher on several machines starts again from the last checkpoint."""

    status = INTERRUPTED


class Ended(HeadError):
    """Another process ended so, with that message; an empty one where it has spoken itself."""

    def __init__(self, message: str, status: int, saved: str = '') -> None:
        super().__init__(message)
        self.status, self.saved = status, saved
