"""How a command ends: the documented exit statuses."""

DONE, FELL_SHORT, BAD_REQUEST, CANNOT, INTERRUPTED = 0, 1, 2, 3, 75


class HeadError(Exception):
    """Ends a command with one line on stderr and `status`; the message names the thing and the mend."""

    status = BAD_REQUEST


class RequestError(HeadError):
    """The request was wrong: unknown alias, missing file, broken data."""


class EnvironmentFault(HeadError):
    """This machine or environment cannot do it."""

    status = CANNOT
