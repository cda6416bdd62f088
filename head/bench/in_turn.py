"""Measurements in processes of their own that take turns, so that what disturbs one disturbs the other."""

import contextlib
import json
import subprocess
import sys
import tempfile
from typing import Any, Callable, Dict, List, Tuple

from ..errors import EnvironmentFault


def serve(**measurements: Callable[[], Dict[str, Any]]) -> None:
    """Be the process of `MeasuringProcess`: for every name on stdin measure that; json can write the result."""
    for name in sys.stdin:
        print('\n' + json.dumps(measurements[name.strip()]()), flush=True)  # mmcv's progress bar leaves its line open


class MeasuringProcess:
    """A process that measures whenever it is asked, a context manager.

    Args:
        module: what it runs; it calls `serve`.
        *words: its arguments, anything that json can write.
    """

    def __init__(self, module: str, *words: Any) -> None:
        self.command = [sys.executable, '-m', module, *map(json.dumps, words)]

    def __enter__(self) -> 'MeasuringProcess':
        self.said = tempfile.TemporaryFile('w+')  # a pipe that nobody reads would fill
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.said, text=True)
        return self

    def __exit__(self, *error: Any) -> None:
        assert self.process.stdin and self.process.stdout, 'both are pipes'
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()
        self.said.close()

    def take(self, name: str) -> Dict[str, Any]:
        """A measurement, by its name there.

        Raises:
            EnvironmentFault: the process has failed; its status and last words.
        """
        with contextlib.suppress(BrokenPipeError):  # its end of stdout tells
            print(name, file=self.process.stdin, flush=True)
        assert self.process.stdout, 'a pipe'
        line = next((line for line in self.process.stdout if line.startswith('{')), None)  # libraries print too
        if line is None:
            status = self.process.wait()
            self.said.seek(0)
            last = self.said.read().strip().rpartition('\n')[2]
            raise EnvironmentFault(f'{" ".join(self.command[1:])} ended with status {status}: {last}')
        return json.loads(line)


def alternate(one: MeasuringProcess, other: MeasuringProcess, name: str,
              rounds: int) -> List[Tuple[Dict[str, Any], Dict[str, Any]]]:
    """Let two processes take a measurement in turn; returns `rounds` pairs."""
    return [(one.take(name), other.take(name)) for _ in range(rounds)]
