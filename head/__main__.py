"""`python -m head COMMAND key=value …`, and the console command `head`."""

import sys


def run() -> int:
    """Run the command line of this process; returns its exit status."""
    try:
        from .cli import main
    except ModuleNotFoundError as error:  # installed without the extra
        print(f'head: {error.name} is not installed, which the commands need: '
              'pip install "head-distillation[commands]"', file=sys.stderr)
        return 3
    return main(sys.argv[1:])


if __name__ == '__main__':
    sys.exit(run())
