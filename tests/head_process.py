"""`python -m head` in a process of its own, forked from one that has imported torch and mmdet already.

A start of its own takes 3 to 10 s of one core for these imports; the suite starts some hundred commands. All else is as
in such a start: the process, its group, its signals, its status, and what it writes to its outputs; but its strings
hash as in the others. Starts of their own are in tests/test_start.py.
"""

import atexit
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import warnings

from head.catalog import ROOT

from .process_tree import kill_all

PRELOAD = 'tests.preload'

os.environ['PYTHONPATH'] = str(ROOT)  # for the server, which passes over what it cannot import
os.environ.setdefault('PYTORCH_NVML_BASED_CUDA_CHECK', '1')  # asking for a GPU must not keep forks from using it
_server = multiprocessing.get_context('forkserver')
_server.set_forkserver_preload([PRELOAD])

_started = []


def start(*words, cwd=ROOT, merged=True, **environment):
    """Start a command in a process group of its own.

    Args:
        *words: command, keys and words, turned into strings.
        cwd (str): its working folder.
        merged (bool): stderr goes where stdout goes.
        **environment (str): variables beside those of the tests.

    Returns:
        HeadProcess
    """
    process = HeadProcess([str(word) for word in words], str(cwd), merged, {**os.environ, **environment})
    _started.append(process)
    return process


def run(*words, timeout=600, **kwargs):
    """`start`, and wait for the end; returns a `subprocess.CompletedProcess` with its outputs as text."""
    process = start(*words, merged=False, **kwargs)
    stdout, stderr = process.communicate(timeout)
    return subprocess.CompletedProcess(words, process.returncode, stdout, stderr)


def run_afresh(*words, **environment):
    """`run` by a start of its own."""
    return subprocess.run([sys.executable, '-m', 'head', *map(str, words)], cwd=ROOT, capture_output=True, text=True,
                          env={**os.environ, **environment})


def end_all():
    """Kill what still runs of all that was started, with all below it."""
    while _started:
        process = _started.pop()
        if process.poll() is None:
            kill_all(process)
            process.wait()


class HeadProcess:
    """A running command; what `subprocess.Popen` has of it, with files for its outputs."""

    def __init__(self, words, cwd, merged, environment):
        self.words = words
        self.stdout = tempfile.TemporaryFile()  # noqa: SIM115, as long as this is
        self.stderr = None if merged else tempfile.TemporaryFile()  # noqa: SIM115
        outputs = [f'/proc/{os.getpid()}/fd/{file.fileno()}' for file in (self.stdout, self.stderr or self.stdout)]
        self._process = _server.Process(target=_run, args=(words, cwd, outputs, environment))
        self._process.start()
        self.pid = self._process.pid

    @property
    def returncode(self):
        """The exit status, -N by signal N; None while it runs."""
        return self._process.exitcode

    def poll(self):
        """The same."""
        return self.returncode

    def send_signal(self, number):
        """Send it a signal if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self):
        """SIGKILL."""
        self._process.kill()

    def wait(self, timeout=None):
        """Wait for its end; returns its exit status.

        Raises:
            subprocess.TimeoutExpired: after `timeout` seconds.
        """
        self._process.join(timeout)
        if self.poll() is None:
            raise subprocess.TimeoutExpired(self.words, timeout, self._text(self.stdout))
        return self.returncode

    def communicate(self, timeout=None):
        """Wait for its end; returns what it wrote to stdout and, where they are not one, to stderr."""
        self.wait(timeout)
        return self._text(self.stdout), self._text(self.stderr)

    @staticmethod
    def _text(file):
        if file is None:
            return None
        file.seek(0)
        return file.read().decode()


def _run(words, cwd, outputs, environment):
    """What the forked process does: it becomes what `python -m head` would be, and ends as it would end."""
    if PRELOAD not in sys.modules:
        raise RuntimeError(f'{PRELOAD} was not imported before')
    multiprocessing.set_start_method(None, force=True)  # that of this process's own children is the default again
    os.setsid()
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    for number, path in enumerate(outputs, 1):
        file = os.open(path, os.O_WRONLY | os.O_APPEND)
        os.dup2(file, number)
        os.close(file)
    import numpy
    import torch
    numpy.random.seed()  # as different from one process to the next as after a start
    if 'OMP_NUM_THREADS' in environment:
        torch.set_num_threads(int(environment['OMP_NUM_THREADS']))
    for category in DeprecationWarning, FutureWarning:
        warnings.filterwarnings('error', category=category, module=r'head\.')
    sys.argv = ['head', *words]
    import head.__main__
    from head.support.signals import ENDING
    head.__main__._end_process = id  # which would be called first here; the end of a forked process leaves as much out
    for number in ENDING:  # whatever the suite was started with
        signal.signal(number, signal.SIG_DFL)
    try:
        sys.exit(head.__main__.run())
    finally:
        atexit._run_exitfuncs()  # which a forked process leaves out
