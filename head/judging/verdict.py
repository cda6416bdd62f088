"""The verdict on a number: measured against reported. Light: no torch."""

from typing import Any, Dict, Final, Iterable, Mapping, Optional

from ..errors import DONE, FELL_SHORT
from ..support.printed_text import LONGEST_LINE, printable

PASS: Final = 'pass'
FAIL: Final = 'fail'
UNVERIFIED: Final = 'unverified'
NOT_VAL2017 = 'the data are not COCO val2017'
NOT_REPORTED = 'nothing is reported for this config'
NOT_MEASURED = 'nothing was measured'
EXIT_STATUS = {PASS: DONE, UNVERIFIED: DONE, FAIL: FELL_SHORT}


def judge(measured: Optional[float], reported: Optional[float], tolerance: Optional[float],
          doubts: Iterable[str] = (), faults: Iterable[str] = ()) -> Dict[str, Any]:
    """Compare a box mAP in percent with the reported one.

    Args:
        measured: None where nothing was measured.
        reported: None where nothing is reported.
        tolerance: how far apart they may be; None where nothing is reported.
        doubts: reasons why the comparison would mean nothing: other data, random teacher.
        faults: what is wrong with the metrics themselves; any makes it fail.

    Returns:
        ``measured``, ``reported``, ``tolerance``, ``difference``, ``verdict`` (pass, fail, unverified) and
        ``why``, the faults, or the reasons of an unverified one.
    """
    doubts, faults = list(doubts), list(faults)
    if reported is None:
        doubts.append(NOT_REPORTED)
    if measured is None:
        doubts.append(NOT_MEASURED)
    difference = None if measured is None or reported is None else measured - reported
    # a NaN is within no tolerance
    within = difference is not None and tolerance is not None and abs(difference) <= tolerance
    verdict = FAIL if faults else UNVERIFIED if doubts else PASS if within else FAIL
    return dict(
        measured=measured,
        reported=reported,
        tolerance=tolerance,
        difference=difference,
        verdict=verdict,
        why=faults or doubts)


def sentence(alias: str, result: Mapping[str, Any]) -> str:
    """The verdict in one line."""
    line = alias
    if result['measured'] is not None:
        line += f': measured {result["measured"]:.2f} mAP'
        if result['reported'] is not None:
            line += f', reported {result["reported"]:.1f}, tolerance {result["tolerance"]:.2f}'
    why = '; '.join(printable(one, LONGEST_LINE) for one in result['why'])  # may have been read from a file
    return line + f': {result["verdict"]}' + (f' ({why})' if why else '')
