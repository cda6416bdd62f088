"""The tables of the README and the docs are those of the catalog and the ledger."""

import pytest

from head.catalog import ROOT
from head.judging.verdict import EXIT_STATUS
from head.ledger import results_table
from head.ledger.entries import own_submissions, submissions
from head.ledger.results_table import BEGIN, END, Ledger, pages
from head.ledger.submission_check import check_submission

from .runs import smoke_run, train_run


def test_the_pages_are_those_of_the_ledger():
    for path, made in pages().items():
        text = (ROOT / path).read_text()
        assert text == made and BEGIN in text and END in text


def test_every_submission_is_one():
    for folder in own_submissions():
        assert check_submission(folder).verdict in EXIT_STATUS


@pytest.fixture
def ledger(call, tmp_path):
    """The `Ledger` of some runs."""

    def of(*runs):
        assert call('submit', *runs)[0] == 0
        return Ledger(submissions(str(tmp_path / 'results')))

    return of


def test_one_training(ledger, tmp_path):
    found = ledger(train_run(tmp_path / 'a'))
    assert found.reproduced('head_r18') == '36.04 (n = 1): pass'
    assert found.cost('head_r18') == '10.0 h on 8 × NVIDIA A100-SXM4-40GB'
    assert found.reproduced('assist_r18') == found.cost('assist_r18') == '–'


def test_several(ledger, tmp_path):
    """Also of another machine, of the same seed, one that says nothing, and an evaluation of the released weights."""
    released = dict(command='eval', seed=None, checkpoint=dict(
        part='released checkpoint', path='x.pth', sha256='c0' * 32, confirmed=True))
    evaluation = train_run(tmp_path / 'e', 36.09, **released)
    (evaluation / '20261128_093000.log.json').unlink()
    found = ledger(train_run(tmp_path / 'a', 36.0), train_run(tmp_path / 'b', 36.2, seed=2, seconds=18000.0),
                   train_run(tmp_path / 'c', 35.9, seed=3, device='V100', processes=4),
                   train_run(tmp_path / 'd', 20.0, seed=3, why=['mixed precision']), evaluation)
    mean, single = found.reproduced('head_r18').split('; ')
    assert mean.startswith('36.03 (n = 3, 35.') and mean.endswith('): pass')
    assert single == '36.09 (n = 1, released weights): pass'
    assert found.cost('head_r18') in ('7.5 h on 8 × NVIDIA A100-SXM4-40GB; 10.0 h on 4 × V100',
                                      '10.0 h on 4 × V100; 7.5 h on 8 × NVIDIA A100-SXM4-40GB')


def test_what_is_of_no_row(ledger, tmp_path):
    lines = ledger(smoke_run(tmp_path / 'smoke'), train_run(tmp_path / 'a')).others().splitlines()
    assert len(lines) == 3 and '| smoke | current | torch 2.14.1 | CPU, 2 threads | 3 |' in lines[2]


def test_without_submissions(monkeypatch):
    monkeypatch.setattr(results_table, 'own_submissions', lambda: [])
    line, = (line for line in results_table.markdown().splitlines() if line.startswith('| `head_r18` |'))
    assert 'R18 RetinaNet | R50 Faster R-CNN | assist + AKD + CKD | 36.1 | – | – |' in line
