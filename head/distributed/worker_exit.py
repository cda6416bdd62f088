"""Why a machine's workers ended, of what they report and how they exited."""

import signal
from typing import Any, Dict, List

from ..errors import CANNOT, INTERRUPTED, Ended, HeadError, LostPeer


def cause(reports: List[Dict[str, Any]], exit_codes: Dict[int, int], stopped: bool,
          several_machines: bool) -> HeadError:
    """The error that ended them.

    Args:
        reports: what workers have left, see `read_reports`.
        exit_codes: local rank -> exit code of each that ended by itself, negative for a signal.
        stopped: whether they were told to.
        several_machines: whether others may be lost. NCCL aborts the process where it loses one.

    Returns:
        `LostPeer` where all that is known is that another process is gone.
    """
    saved = next((report['saved'] for report in reports if report['saved']), '')
    own = [report for report in reports if not report['lost']]
    own.sort(key=lambda report: report['status'] == INTERRUPTED)  # what else happened on the way out says more
    if own:
        return Ended(own[0]['message'], own[0]['status'], saved)
    aborted = [-signal.SIGABRT] if several_machines else []
    killed = {rank: -code for rank, code in exit_codes.items() if code < 0 and code not in (-signal.SIGTERM, *aborted)}
    if stopped:
        return Ended('interrupted', INTERRUPTED, saved)
    if killed:
        rank, number = min(killed.items())
        return Ended(f'the process number {rank} was killed ({signal.Signals(number).name}), probably out of '
                     'memory; the same command continues from the last checkpoint', CANNOT, saved)
    unknown = [code for code in exit_codes.values() if code > 0 and code != INTERRUPTED]
    if unknown:
        return Ended('a process failed, see the traceback above', max(unknown), saved)
    if reports:
        return _lost(reports[0]['message'], saved)
    if set(exit_codes.values()) & set(aborted):
        return _lost('another process was lost; the same command continues from the last checkpoint', '')
    return Ended('interrupted', INTERRUPTED)


def _lost(message, saved):
    error = LostPeer(message)
    error.saved = saved
    return error
