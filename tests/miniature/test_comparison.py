"""The miniature experiment runs, and its stored result is what is shown and held against."""

import json

import pytest

from head.commands import mini
from head.miniature import comparison, experiment, record_comparison
from head.request import Request


@pytest.fixture(scope='module')
def stored():
    return json.loads(comparison.RESULT.read_text())


@pytest.mark.slow
def test_whole_with_few_steps(tmp_path, monkeypatch, capsys):
    """Every training runs and is judged; so short ones are not the stored ones repeated."""
    monkeypatch.setattr(experiment, 'SEEDS', range(2))
    for name, value in dict(TRAIN_IMAGES=16, VAL_IMAGES=8, PRETRAINING_STEPS=3, TEACHER_STEPS=3, STEPS=3).items():
        monkeypatch.setattr(experiment, name, value)
    assert mini.run(Request('mini', dict(work_dir=str(tmp_path)))) == 1
    verdict = json.loads((tmp_path / 'verdict.json').read_text())
    assert verdict['verdict'] == 'fail' and verdict['why']
    assert {arm: len(values) for arm, values in verdict['runs'].items()} == dict.fromkeys(experiment.ARMS, 2)
    assert '<svg' in (tmp_path / 'mini.svg').read_text()
    said = capsys.readouterr().out
    assert all(f'| {arm} |' in said for arm in experiment.ARMS) and 'other annotations' in said
    logs = {path.parent.name: path.read_text() for path in tmp_path.glob('*/*/*.log.json')}
    assert 'loss_cross_fcos' in logs['tf_head_r18_0'] and 'loss_mimic_rcnn' in logs['head_r18_1']
    assert not list(tmp_path.glob('*/head_r18_0/*.pth')) and list(tmp_path.glob('*/teacher/*.pth'))


def test_what_a_rerun_must_repeat(stored):
    assert comparison.differences(stored, stored) == []
    shuffled = {arm: values[::-1] for arm, values in stored['runs'].items()}
    assert comparison.differences(dict(stored, runs=shuffled), stored) == []
    worse = dict(stored['runs'], baseline=[value + 0.2 for value in stored['runs']['baseline']])
    fault, = comparison.differences(dict(stored, runs=worse), stored)
    assert fault.startswith('baseline: ')
    nothing_learned = {arm: [0.001, 0.0, 0.002, 0.0] for arm in stored['runs']}
    assert len(comparison.differences(dict(stored, runs=nothing_learned), stored)) == len(experiment.ARMS)
    broken = dict(stored['runs'], baseline=[float('nan')] * 4)
    assert len(comparison.differences(dict(stored, runs=broken), stored)) == 1


def test_chance_is_told_from_a_difference():
    runs = {arm: [0.20, 0.22, 0.21, 0.19, 0.23] for arm in experiment.ARMS}
    runs['TF-HEAD'] = [0.30, 0.32, 0.31, 0.29, 0.33]
    runs['assist + AKD'] = [0.10, 0.12, 0.11, 0.09, 0.13]
    found = dict(line.split(': ') for line in comparison.finding(runs))
    assert found['assist on baseline'] == '+0.0 AP, no significant difference'
    assert found['TF-HEAD on baseline'] == '+10.0 AP, as in the paper'
    assert found['assist + AKD on assist'] == '-10.0 AP, against the paper'


def test_the_docs_show_the_stored_result(stored):
    text = record_comparison.DOCUMENT.read_text()
    assert record_comparison.into(text, stored) == text
    assert {arm: len(values) for arm, values in stored['runs'].items()} == dict.fromkeys(experiment.ARMS,
                                                                                        len(experiment.SEEDS))
