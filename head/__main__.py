"""`python -m head COMMAND key=value …`, and the console commands of the installed package."""

import sys

from .cli import main


def run() -> int:
    """Run the command line of this process; returns its exit status."""
    return main(sys.argv[1:])


if __name__ == '__main__':
    sys.exit(run())
