"""The tables of the README and the docs are those of the catalog and the ledger."""

import re

import pytest

from head.catalog import ROOT
from head.judging.verdict import EXIT_STATUS
from head.ledger import results_table, submission_check
from head.ledger.entries import own_submissions, submissions
from head.ledger.results_table import BEGIN, END, Ledger, pages
from head.ledger.submission_check import check_submission

from .runs import LOG, RELEASED, smoke_run, train_run


def test_the_pages_are_those_of_the_ledger():
    for path, made in pages().items():
        text = (ROOT / path).read_text()
        assert text == made and BEGIN in text and END in text


def test_every_submission_is_one():
    for folder in own_submissions():
        assert check_submission(folder).verdict.verdict in EXIT_STATUS


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


def evaluation(folder, percent, **fields):
    """Write the work dir of an evaluation; returns it."""
    run = train_run(folder, percent, command='eval', seed=None, **fields)
    (run / LOG).unlink()
    return run


def test_several(ledger, tmp_path, monkeypatch):
    """Also of another machine, of the same seed, one that says nothing, and evaluations."""
    monkeypatch.setattr(submission_check, '_is_released', lambda row, sha256: True)
    own = dict(part='checkpoint', path='own.pth', sha256='0e' * 32, confirmed=False)
    found = ledger(train_run(tmp_path / 'a', 36.0), train_run(tmp_path / 'b', 36.2, seed=2, seconds=18000.0),
                   train_run(tmp_path / 'c', 35.9, seed=3, device='V100', processes=4),
                   train_run(tmp_path / 'd', 20.0, seed=3, why=['mixed precision']),
                   evaluation(tmp_path / 'e', 36.09, checkpoint=RELEASED, tolerance=0.07),
                   evaluation(tmp_path / 'f', 36.07, checkpoint=RELEASED, tolerance=0.07),
                   evaluation(tmp_path / 'g', 36.0, checkpoint=own))
    trainings, released = found.reproduced('head_r18').split('; ')
    assert trainings.startswith('36.03 (n = 3, 35.') and trainings.endswith('): pass')
    assert released == '36.08 (released weights, n = 2): pass'
    assert found.cost('head_r18') in ('7.5 h on 8 × NVIDIA A100-SXM4-40GB; 10.0 h on 4 × V100',
                                      '10.0 h on 4 × V100; 7.5 h on 8 × NVIDIA A100-SXM4-40GB')


def test_a_seed_twice_is_one(ledger, tmp_path):
    found = ledger(train_run(tmp_path / 'a', 36.0), train_run(tmp_path / 'b', 36.2, seconds=18000.0))
    assert found.reproduced('head_r18') in ('36.00 (n = 1): pass', '36.20 (n = 1): pass')
    assert found.cost('head_r18').count(' h on ') == 1 and '7.5' not in found.cost('head_r18')


def test_a_training_without_a_number(ledger, tmp_path):
    run = train_run(tmp_path / 'a', metrics=dict(AP50=0.5), measured=None, difference=None, per_category=None,
                    verdict='fail', why=['there is no box mAP'])
    assert ledger(run).reproduced('head_r18') == 'no number (n = 1): fail'


@pytest.mark.parametrize('device', ['A100 | x\ny', '[x](y)', '<img src=x>', 'a\u202eb', '\x1b[31m'])
def test_names_of_machines_stay_in_their_cell(ledger, tmp_path, device):
    found = ledger(train_run(tmp_path / 'a', device=device), smoke_run(tmp_path / 'b', device=device))
    for cell in (found.cost('head_r18'), found.others().splitlines()[2]):
        bare = re.sub(r'\\[|<>\[\]]', '', cell)
        assert cell.isprintable() and bare.count('|') in (0, 9) and not set('<>[]') & set(bare)


def test_what_is_of_no_row(ledger, tmp_path):
    lines = ledger(smoke_run(tmp_path / 'smoke'), train_run(tmp_path / 'a')).others().splitlines()
    assert len(lines) == 3 and '| smoke | current | torch 2.14.1 | CPU, 2 threads | 3 |' in lines[2]


def test_without_submissions(monkeypatch):
    monkeypatch.setattr(results_table, 'own_submissions', lambda: [])
    line, = (line for line in results_table.markdown().splitlines() if line.startswith('| `head_r18` |'))
    assert 'R18 RetinaNet | R50 Faster R-CNN | assist + AKD + CKD | 36.1 | – | – |' in line
