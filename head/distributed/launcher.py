"""Several processes on one machine or on many, by torch's elastic launcher.

Every worker runs the command that was given here. The launcher starts it again, from its last checkpoint, where another
machine was lost; any other end of a worker ends all, on all machines.
"""

import contextlib
import logging
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from types import FrameType
from typing import Any, Dict, List, Optional, Sequence

from torch.distributed.elastic import multiprocessing
from torch.distributed.elastic.agent.server.api import WorkerSpec, WorkerState
from torch.distributed.elastic.agent.server.local_elastic_agent import LocalElasticAgent

from ..errors import DONE, INTERRUPTED, Ended, EnvironmentFault, HeadError, LostPeer
from ..support import signals
from . import worker_exit
from .layout import Layout
from .peer_errors import PeerErrors
from .rendezvous import choose_interfaces, launchers_meet
from .worker import REPORTS
from .worker_report import forget_reports, read_reports
from .worker_store import ENDPOINT, begin_round

RESTARTS = 10
"""How often other machines may be lost before a launcher gives up."""

JOIN_SECONDS = 600
"""Seconds that the machines wait for each other, at the start and when one was lost."""

RENDEZVOUS_EXPIRY = 20
"""Seconds after which torch's rendezvous has forgotten a lost machine (15, by its heartbeats). In torch 1.9 one that
leaves before that leaves a round behind which never ends."""

SHUTDOWN_GRACE = 30
"""Seconds that workers have to end where one of them has failed, before they are killed; torch 2's own number."""


def launch(arguments: Sequence[str], layout: Layout) -> int:
    """Run a command line in workers; returns its exit status.

    Args:
        arguments: the words after the program's name.
        layout: how many.

    Raises:
        Ended: a worker's error; all are gone.
    """
    here = layout.processes_here
    reports = tempfile.mkdtemp(prefix='head-')
    os.environ.update({REPORTS: reports, 'HEAD_NODE_RANK': str(layout.node_rank or 0)})
    os.environ.pop(ENDPOINT, None)
    if layout.rdzv:
        os.environ[ENDPOINT] = layout.rdzv
    threads = 1 if layout.gpus else max(1, len(os.sched_getaffinity(0)) // here)
    os.environ.setdefault('OMP_NUM_THREADS', str(threads))
    os.environ.setdefault('TORCH_CPP_LOG_LEVEL', 'ERROR')
    os.environ['TORCH_DISABLE_SHARE_RDZV_TCP_STORE'] = '1'  # torch 2 would meet again among the keys of a lost round
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)  # the agent's; what it knows is said in one line
    run = _Run(arguments, layout, reports)
    try:
        return run.wait()
    finally:
        logging.disable(disabled)
        del os.environ[REPORTS]  # by which a worker knows that it is one
        shutil.rmtree(reports, ignore_errors=True)


class _Run:
    """The agent in a thread of its own, so that signals are this module's: torch 1.9's agent has no answer to them, and
    later ones leave a step 30 seconds."""

    def __init__(self, arguments: Sequence[str], layout: Layout, reports: str) -> None:
        self.arguments, self.here, self.reports = arguments, layout.processes_here, reports
        self.nnodes, self.node_rank = layout.nnodes, layout.node_rank or 0
        self.endpoint = layout.rdzv
        self.agent: Optional[Agent] = None
        self.result: Any = None  # the agent's
        self.error: Optional[Exception] = None
        self.asked, self.presses = False, 0

    def wait(self) -> int:
        thread = threading.Thread(target=self._run_agent, daemon=True)
        before = {number: signal.signal(number, self._receive) for number in signals.heard()}
        try:
            thread.start()
            while thread.is_alive():
                thread.join(0.5)
                if self.agent:
                    self.agent.end_stragglers()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        if self.result and not self.result.is_failed():
            return DONE
        raise self._cause()

    def _run_agent(self):
        try:
            choose_interfaces(self.endpoint)
            handler = launchers_meet(self.nnodes, self.node_rank, self.endpoint, JOIN_SECONDS)
            spec = WorkerSpec(
                role='head', local_world_size=self.here, entrypoint=sys.executable,
                args=('-m', 'head', *self.arguments), rdzv_handler=handler,
                max_restarts=RESTARTS if self.nnodes > 1 else 0, monitor_interval=0.5,
                master_addr='localhost', master_port=0)  # of torch's own meeting place, which is not used
            peer_errors = PeerErrors(self.nnodes, self.endpoint)
            self.agent = Agent(spec, self.reports, peer_errors, **agent_options(self.reports))
            with signals.blocked():  # for the workers that it starts, until they have handlers
                self.result = self.agent.run()
        except Exception as error:  # of many kinds: the other machines do not come, or are gone
            self.error = error
        finally:
            # closing the rendezvous is no use: it ends with the store, and in torch 1.9 its heartbeats interfere
            if self.agent and self.node_rank == 0:
                self.agent.peer_errors.wait_for_others(SHUTDOWN_GRACE + RENDEZVOUS_EXPIRY, self.agent.leave)

    def _receive(self, number: int, frame: Optional[FrameType]) -> None:
        first, self.asked = not self.asked, True
        if number != signal.SIGHUP:
            self.presses += 1
        elif not first:
            return  # a terminal that closes sends some, and nobody is there to press again
        at_work = bool(self.agent and self.agent.pids())
        if first and at_work:
            signals.write_stderr(signals.STOPPING)
        if self.agent:
            self.agent.stop(signal.SIGTERM if self.presses <= 1 else signal.SIGKILL)
        concluded = self.agent and self.agent.cause and not isinstance(self.agent.cause, LostPeer)
        # still waiting for the other machines, or for a worker
        if not (at_work or concluded) or self.presses > 2:
            shutil.rmtree(self.reports, ignore_errors=True)
            signals.leave()

    def _cause(self) -> HeadError:
        """The one line that tells why."""
        if not self.error:
            assert self.agent and self.agent.cause, 'the agent tells why its workers have failed'
            return self.agent.cause
        received = self.agent and self.agent.peer_errors.received()
        if received:
            return received
        began = self.agent and self.agent.began
        text = (str(self.error).strip().splitlines() or [''])[0]
        if self.nnodes == 1:
            return EnvironmentFault(f'the processes cannot be started ({type(self.error).__name__}: {text})')
        line = (f'the other machines {"are gone" if began else "did not come"} ({type(self.error).__name__}: {text}): '
                f'start this command on all {self.nnodes}, with the same rdzv={self.endpoint}')
        # not to be begun again by itself where they have never met
        return Ended(f'{line}; a training continues from its last checkpoint', INTERRUPTED) if began else \
            EnvironmentFault(line)


def agent_options(folder: str) -> Dict[str, Any]:
    """What torch's agent is told about its workers' output, which is the terminal's; torch 2 wants to hear it.

    It makes folders for that output all the same, in `folder`, and leaves them.
    """
    specs = getattr(multiprocessing, 'DefaultLogsSpecs', None)
    return dict(logs_specs=specs(log_dir=folder)) if specs else dict(log_dir=folder)


class Agent(LocalElasticAgent):
    """torch's agent, which starts its workers again only where another machine was lost.

    What it overrides of torch, and why torch's public interface does not do: docs/distributed.md.

    Attributes:
        began: whether the machines have met.
        cause: what ended the workers.
        leave: set where a signal comes when that is known.
    """

    def __init__(self, spec: WorkerSpec, reports: str, peer_errors: PeerErrors, **options: Any) -> None:
        super().__init__(spec, **options)
        self.reports, self.peer_errors = reports, peer_errors
        self.began, self.killed = False, False
        self.cause: Optional[HeadError] = None
        self.failure_seen_at: Optional[float] = None
        self.ending, self.leave = threading.Event(), threading.Event()

    def pids(self) -> List[int]:
        """Process ids of the workers that live."""
        started = [worker.id for worker in self.get_worker_group().workers]  # None before its first start
        return [int(pid) for pid in started if pid and os.path.exists(f'/proc/{pid}')]

    def stop(self, number: int) -> None:
        """Send the workers a signal; they are not started again."""
        self._remaining_restarts = 0
        self.ending.set()
        if self.cause:
            self.leave.set()
        for pid in self.pids():
            _kill(pid, number)

    def end_stragglers(self) -> None:
        """Kill workers that do not end where another has failed: they may wait for it in torch."""
        since = self.failure_seen_at
        if since and time.monotonic() - since > SHUTDOWN_GRACE:
            self.killed = True
            for pid in self.pids():
                _kill(pid, signal.SIGKILL)

    def _monitor_workers(self, worker_group):
        failed = self._failed()
        if failed:
            self._conclude(failed)  # so early for the other machines' sake
        elif self.peer_errors.received():
            self.failure_seen_at = self.failure_seen_at or time.monotonic()  # most workers find out themselves
        result = super()._monitor_workers(worker_group)
        if result.state == WorkerState.FAILED:
            if not failed:  # in this very moment
                first = min(result.failures.values(), key=lambda failure: failure.timestamp)
                failed = {first.local_rank: first.exitcode}
            self._conclude(failed)
            self._wait_or_end()
        return result

    def _failed(self):
        """Local rank -> exit code of each worker that has failed; torch ends the others then."""
        context: Any = self._pcontext  # a `SubprocessContext`
        codes = {rank: one.proc.poll() for rank, one in context.subprocess_handlers.items()}
        return {rank: code for rank, code in codes.items() if code}

    def _conclude(self, failed):
        self.failure_seen_at = self.failure_seen_at or time.monotonic()
        received = self.peer_errors.received()
        stopped = self.ending.is_set() or (received is not None and self.killed)
        own = worker_exit.cause(read_reports(self.reports), failed, stopped, self.peer_errors.nnodes > 1)
        # what went wrong on the way out of an interruption says more than that there was one
        self._blame(own if received is None or received.status == INTERRUPTED != own.status else received, own.saved)

    def _blame(self, cause: HeadError, saved: str) -> None:
        self.cause, cause.saved = cause, saved or cause.saved
        if not isinstance(self.cause, LostPeer):
            self._remaining_restarts = 0
            self.peer_errors.send(self.cause)

    def _wait_or_end(self):
        """Where a machine was lost: listen whether another tells why."""
        self.failure_seen_at = None
        deadline = time.monotonic() + RENDEZVOUS_EXPIRY
        while self._remaining_restarts and time.monotonic() < deadline and not self.ending.wait(0.5):
            received = self.peer_errors.received()
            if received:
                self._blame(received, self.cause.saved if self.cause else '')
        if self._remaining_restarts:
            print('head: another machine was lost; waiting for it to continue from the last checkpoint',
                  file=sys.stderr, flush=True)

    def _exit_barrier(self):
        # torch 1.9's would use a connection that its heartbeats use at the same time; the first machine waits instead
        if self.cause is None:
            self.peer_errors.release_store()

    def _start_workers(self, worker_group):
        self.began, self.cause = True, None
        self.peer_errors.connect()
        forget_reports(self.reports)
        begin_round(worker_group.store, worker_group.group_rank == 0)
        return super()._start_workers(worker_group)


def _kill(pid, number):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
