"""What a parity run leaves, so that it can be submitted."""

import json
from types import SimpleNamespace

import pytest

from ..parity_verdict import write_parity_verdict


def report(config, passed=True, when='call'):
    return SimpleNamespace(nodeid=f'tests/method/test_parity.py::test_all[{config}]', passed=passed, when=when)


@pytest.fixture
def parity(tmp_path):
    """Write the verdict of some reports, where there are references of two configs; returns it, or None."""
    references = tmp_path / 'reference'
    references.mkdir()
    for name in 'ab':
        (references / f'{name}.json').write_text(name)

    def write(*reports):
        path = write_parity_verdict(reports, 90.0, references, tmp_path / 'parity')
        return path and json.loads((tmp_path / 'parity/verdict.json').read_text())

    return write


def test_all_agree(parity, call, tmp_path):
    """It can be submitted, whatever the packages here."""
    verdict = parity(report('configs/x/a.py', when='setup'), report('configs/x/a.py'), report('configs/y/b.py'))
    assert verdict['verdict'] in ('pass', 'unverified') and all(check['holds'] for check in verdict['checks'])
    assert len(verdict['checks']) == 2 and verdict['seconds'] == 90 and len(verdict['references']) == 64
    assert call('submit', tmp_path / 'parity')[0] == 0 and call('verify', 'results')[0] == 0


def test_one_differs(parity):
    verdict = parity(report('configs/x/a.py'), report('configs/y/b.py', passed=False))
    assert verdict['verdict'] == 'fail' and verdict['why'] == ['configs/y/b.py differs']


def test_one_was_not_compared(parity, tmp_path):
    assert parity(report('configs/x/a.py')) is None and parity() is None
    assert not (tmp_path / 'parity').exists()
