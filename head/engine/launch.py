"""Several processes on one machine or on many, by torch's elastic launcher.

Every worker runs the command that was given here. The launcher starts it anew, from its last checkpoint, where another
machine was lost; any other end of a worker ends all.
"""

import contextlib
import logging
import os
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
import uuid

from torch.distributed.elastic.agent.server.api import WorkerSpec, WorkerState
from torch.distributed.elastic.agent.server.local_elastic_agent import LocalElasticAgent
from torch.distributed.elastic.rendezvous import RendezvousParameters
from torch.distributed.elastic.rendezvous import registry as rendezvous

from ..errors import CANNOT, DONE, INTERRUPTED, Ended, RequestError
from ..worker import REPORTS, is_worker, read_reports

RESTARTS = 10
"""How often other machines may be lost before a launcher gives up."""

JOIN = 600
"""Seconds that the machines wait for each other, at the start and when one was lost."""

FORGOTTEN = 20
"""Seconds after which torch's rendezvous has forgotten a lost machine (15, by its heartbeats). In torch 1.9 one that
leaves before that leaves a round behind which never ends."""

GRACE = 60
"""Seconds that workers have to end where one of them has failed, before they are killed."""


def wanted(request):
    """Whether the keys ask for more than this one process.

    Raises:
        RequestError: keys for several machines that do not fit together.
    """
    nnodes, number, place = request.get('nnodes', 1), request.get('node_rank'), request.get('rdzv')
    if nnodes > 1:
        if number is None or place is None:
            raise RequestError(f'nnodes={nnodes}: each machine needs node_rank= (0 to {nnodes - 1}) and the same '
                               'rdzv=HOST:PORT, with HOST the machine of node_rank=0')
        if number >= nnodes:
            raise RequestError(f'node_rank={number}: of nnodes={nnodes} the last is {nnodes - 1}')
        if not re.fullmatch(r'\S+:\d{1,5}', place) or not 0 < int(place.rpartition(':')[2]) < 2**16:
            raise RequestError(f'rdzv={place}: HOST:PORT, for instance {place.partition(":")[0]}:29400')
    elif number or place is not None:
        raise RequestError(f'{"rdzv" if place is not None else "node_rank"}= is for several machines: give nnodes= too')
    return not is_worker() and (nnodes > 1 or processes_here(request) > 1)


def processes_here(request):
    """How many processes the keys ask for on this machine."""
    return request.get('gpus') or request.get('procs') or 1


def launch(request):
    """Run the command line of this process in workers; returns its exit status.

    Raises:
        Ended: a worker's error; all are gone.
    """
    here = processes_here(request)
    reports = tempfile.mkdtemp(prefix='head-')
    os.environ.update({REPORTS: reports, 'HEAD_NODE_RANK': str(request.get('node_rank', 0))})
    threads = 1 if request.get('gpus') else max(1, len(os.sched_getaffinity(0)) // here)
    os.environ.setdefault('OMP_NUM_THREADS', str(threads))
    os.environ.setdefault('TORCH_CPP_LOG_LEVEL', 'ERROR')
    os.environ['TORCH_DISABLE_SHARE_RDZV_TCP_STORE'] = '1'  # torch 2 would meet again among the keys of a lost round
    logging.disable(logging.CRITICAL)  # the agent's; what it knows is said in one line
    run = _Run(request, here, reports)
    try:
        return run.wait()
    finally:
        del os.environ[REPORTS]  # by which a worker knows that it is one
        shutil.rmtree(reports, ignore_errors=True)


class _Run:
    """The agent in a thread of its own, so that signals are this module's: torch 1.9's agent has no answer to them, and
    later ones leave a step 30 seconds."""

    def __init__(self, request, here, reports):
        self.arguments, self.here, self.reports = request.arguments, here, reports
        self.nnodes, self.node_rank = request.get('nnodes', 1), request.get('node_rank', 0)
        self.endpoint = request.get('rdzv', 'localhost:0')
        self.agent = self.result = self.error = None
        self.signals = 0

    def wait(self):
        thread = threading.Thread(target=self._run_agent, daemon=True)
        before = {number: signal.signal(number, self._receive) for number in (signal.SIGINT, signal.SIGTERM)}
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
        handler = None
        try:
            handler = rendezvous.get_rendezvous_handler(
                RendezvousParameters(
                    backend='c10d', endpoint=self.endpoint, run_id=f'head-{self.endpoint}' if self.nnodes > 1 else
                    str(uuid.uuid4()), min_nodes=self.nnodes, max_nodes=self.nnodes, join_timeout=JOIN,
                    is_host=str(self.node_rank == 0).lower(), local_addr=None))
            spec = WorkerSpec(
                role='head', local_world_size=self.here, entrypoint=sys.executable,
                args=('-m', 'head', *self.arguments), rdzv_handler=handler,
                max_restarts=RESTARTS if self.nnodes > 1 else 0, monitor_interval=0.5)
            self.agent = Agent(spec, self.reports, **agent_options())
            self.result = self.agent.run()
        except Exception as error:  # of many kinds: the other machines do not come, or are gone
            self.error = error
        finally:
            if handler:
                handler.shutdown()

    def _receive(self, number, frame):
        self.signals += 1
        if self.signals == 1:
            os.write(2, b'head: stopping after this step; once more stops at once, without a checkpoint of it\n')
        if self.agent:
            self.agent.stop(signal.SIGTERM if self.signals == 1 else signal.SIGKILL)
        if not (self.agent and self.agent.pids()) or self.signals > 2:
            os._exit(INTERRUPTED)  # still waiting for the other machines

    def _cause(self):
        """The one line that tells why, of what several workers and the agent say."""
        reports = read_reports(self.reports)
        failures = self.result.failures.values() if self.result else ()
        saved = next((report['saved'] for report in reports if report['saved']), '')
        causes = [report for report in reports if not report['lost']]
        killed = [failure for failure in failures if failure.exitcode < 0 and failure.exitcode != -signal.SIGTERM]
        if causes:
            return Ended(causes[0]['message'] + saved, causes[0]['status'])
        if killed and not self.signals:
            one = killed[0]
            name = signal.Signals(-one.exitcode).name
            return Ended(f'the process of GPU or part {one.local_rank} was killed ({name}): often for want of memory; '
                         f'the same command goes on from the last checkpoint{saved}', CANNOT)
        if self.signals:
            return Ended(f'interrupted{saved}', INTERRUPTED)
        if reports:
            return Ended(reports[0]['message'] + saved, INTERRUPTED)
        if self.error:
            text = (str(self.error).strip().splitlines() or [''])[0]
            return Ended(f'the other machines did not come, or are gone ({type(self.error).__name__}: {text}): start '
                         f'this command on all {self.nnodes}, with the same rdzv={self.endpoint}; a training goes on '
                         'from its last checkpoint', INTERRUPTED)
        status = max((failure.exitcode for failure in failures), default=1)
        return Ended('a process ended with an error of its own, see above', status)


def agent_options():
    """What torch's agent is told about its workers' output, which is the terminal's; torch 2 wants to hear it."""
    try:
        from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs
    except ImportError:
        return {}
    return dict(logs_specs=DefaultLogsSpecs())


class Agent(LocalElasticAgent):
    """torch's agent, which starts its workers anew only where another machine was lost."""

    def __init__(self, spec, reports, **options):
        super().__init__(spec, exit_barrier_timeout=GRACE, **options)
        self.reports, self.looking_since, self.ending = reports, None, threading.Event()

    def pids(self):
        """Process ids of the workers that live."""
        started = self._pcontext.pids().values() if self._pcontext else ()
        return [pid for pid in started if os.path.exists(f'/proc/{pid}')]

    def stop(self, number):
        """Send the workers a signal; they are not started anew."""
        self._remaining_restarts = 0
        self.ending.set()
        for pid in self.pids():
            _kill(pid, number)

    def end_stragglers(self):
        """Kill workers that do not end where one of them has failed: they may wait for it in torch."""
        since = self.looking_since
        if since and time.time() - since > GRACE:
            for pid in self.pids():
                _kill(pid, signal.SIGKILL)

    def _monitor_workers(self, worker_group):
        self.looking_since = time.time()  # returns only when all have ended, where one has failed
        try:
            result = super()._monitor_workers(worker_group)
        finally:
            self.looking_since = None
        if result.state == WorkerState.FAILED:
            reports = read_reports(self.reports)
            ours = len(reports) < len(result.failures) or not all(report['lost'] for report in reports)
            if ours or not self._remaining_restarts or self.ending.wait(FORGOTTEN):
                self._remaining_restarts = 0
            else:
                print('head: another machine was lost; waiting for it to go on from the last checkpoint',
                      file=sys.stderr, flush=True)
        return result

    def _start_workers(self, worker_group):
        for name in os.listdir(self.reports):
            os.unlink(os.path.join(self.reports, name))
        return super()._start_workers(worker_group)


def _kill(pid, number):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
