"""The verdict of a parity run, as a command would leave it, so that it can be submitted."""

import hashlib
import re

from head.engine.locked_packages import doubts
from head.engine.run_facts import run_facts
from head.results.verdict_file import Check, ParityVerdict, write_verdict

TEST = re.compile(r'test_parity\.py::test_all\[(.+)\]')


def write_parity_verdict(reports, seconds, references, folder):
    """Write it; returns its path, or None where not all configs were compared.

    Args:
        reports: of pytest, of all that ran.
        seconds: that it took.
        references: folder of the published code's numbers.
        folder: where it goes.
    """
    files = sorted(references.glob('*.json'))
    called = {TEST.search(one.nodeid).group(1): one for one in reports
              if getattr(one, 'when', '') == 'call' and TEST.search(one.nodeid)}
    if not called or {path.stem for path in files} != {config.split('/')[-1][:-3] for config in called}:
        return None
    checks = [Check(what=config, found=None, wanted='the published code\'s losses, detections and names of weights',
                    holds=one.passed) for config, one in sorted(called.items())]
    faults = [f'{one.what} differs' for one in checks if not one.holds]
    digest = hashlib.sha256(b''.join(path.read_bytes() for path in files)).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    why = faults or doubts()
    facts = dict(run_facts('cpu'), arguments=['parity'])
    return write_verdict(str(folder), ParityVerdict(
        verdict='fail' if faults else 'unverified' if why else 'pass', why=why, seconds=seconds, checks=checks,
        references=digest, **facts))
