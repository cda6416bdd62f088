"""A user id that no one has named, as clusters give to containers. Light: no torch."""

import os
import pwd


def name_the_user() -> None:
    """Give a user without an entry in the list of users a home and a name, which libraries ask for.

    The home is ``/``, which such a user cannot write to: what would be kept there is kept nowhere.
    """
    try:
        pwd.getpwuid(os.getuid())
    except KeyError:
        os.environ.setdefault('HOME', '/')
        os.environ.setdefault('LOGNAME', f'uid{os.getuid()}')
