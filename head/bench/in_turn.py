"""Measurements in processes of their own that take turns, so that what disturbs one disturbs the other."""

import json
import subprocess
import sys


def serve(measurement):
    """Be the process of `Turns`: for every line on stdin call `measurement`, which returns a dict for json."""
    for _ in sys.stdin:
        print('\n' + json.dumps(measurement()), flush=True)  # mmcv's progress bar leaves its line open


class Turns:
    """A process that measures whenever it is asked, a context manager.

    Args:
        module (str): what it runs; it calls `serve`.
        *words: its arguments, anything that json can write.
    """

    def __init__(self, module, *words):
        self.command = [sys.executable, '-m', module, *map(json.dumps, words)]

    def __enter__(self):
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *error):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.stderr.close()
        self.process.wait()

    def take(self):
        """The next measurement.

        Raises:
            CalledProcessError: the process has failed.
        """
        print(file=self.process.stdin, flush=True)
        line = next((line for line in self.process.stdout if line.startswith('{')), None)  # libraries print too
        if line is None:
            raise subprocess.CalledProcessError(self.process.wait(), self.command, stderr=self.process.stderr.read())
        return json.loads(line)


def alternate(one, other, rounds):
    """Let two `Turns` measure in turn, after one measurement each that is not counted; returns `rounds` pairs."""
    return [(one.take(), other.take()) for _ in range(rounds + 1)][1:]
