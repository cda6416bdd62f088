"""`verify FILE`, `verify WORK_DIR` and `report WORK_DIR` say the same of a log, and the right thing."""

import html
import json
import re

import pytest

from head import catalog
from head.cli import main

CONFIG = 'head_retina_faster_r18_fpn_mstrain_1x_coco.py'
VAL2017 = catalog.coco().splits['val2017']
EPOCH = 7330
"""Iterations of an epoch of COCO with 16 images a step."""


def meta(runner='', ann_file='data/coco/annotations/instances_val2017.json', **fields):
    config = f"data = dict(\n    val=dict(\n        ann_file='{ann_file}'))\n{runner}"
    return dict(dict(env_info='…', config=config, seed=1, exp_name=CONFIG), **fields)


def train(epoch, iter):
    return dict(mode='train', epoch=epoch, iter=iter, lr=0.01, loss=1.0, time=0.5)


def evaluation(epoch, iter, AP, mode='val'):
    return dict(mode=mode, epoch=epoch, iter=iter, lr=0.01, bbox_mAP=AP)


def epochs(AP=0.36, last=12, batches=625, logged=EPOCH - 30):
    return [row for epoch in range(1, last + 1)
            for row in (train(epoch, 50), train(epoch, logged), evaluation(epoch, batches, AP))]


def in_training_rows(last=12):
    return [row for step in range(1, last + 1)
            for row in (train(1, EPOCH * step - 30), evaluation(1, EPOCH * step, 0.36, 'train'))]


def by_iterations(max_iters):
    """Of mmcv's IterBasedRunner since 1.3: its epochs are those of the loader, from 0 in evaluations."""
    return [meta(f"runner = dict(type='IterBasedRunner', max_iters={max_iters})\n"),
            *[row for at in range(max_iters // 8, max_iters + 1, max_iters // 8)
              for row in (train(at // EPOCH + 1, at), evaluation(at // EPOCH, 625, 0.36))]]


PASS = 'head_r18: measured 36.00 mAP, reported 36.1, tolerance 0.35: pass'
UNKNOWN = 'not checked: how many images were evaluated'
LOGS = dict(
    plain=([meta(), *epochs()], [PASS, 'not checked: the log names its data']),
    evaluations_in_training_rows=([meta(), *in_training_rows()], [PASS, UNKNOWN]),
    half_of_it=([meta(), *in_training_rows(6)], ['unverified', f'the log ends at iteration {6 * EPOCH}, epoch 5.9']),
    iterations=(by_iterations(12 * EPOCH), [PASS]),
    more_iterations=(by_iterations(24 * EPOCH), ['unverified', 'epoch 23.8 with 16 images a step']),
    no_evaluation=([meta(), *[row for row in epochs() if row['mode'] == 'train']],
                   ['head_r18: unverified (no evaluation in it)']),
    two_runs=([meta(), *epochs(), meta(seed=2), *epochs(0.1, 3)],
              ['measured 10.00 mAP', 'unverified', 'ends at epoch 3', 'holds several runs: the newest counts']),
    counts_training_iterations=([meta(), *epochs(batches=EPOCH)], [PASS, UNKNOWN]),
    few_batches=([meta(), *epochs(batches=64)], ['unverified', 'not COCO val2017: an evaluation took 64 batches']),
    fewer_than_training=([meta(), *epochs(batches=3000)], ['unverified', 'not COCO val2017: an evaluation took 3000']),
    more_than_training=([meta(), *epochs(batches=40_000)], ['unverified', 'COCO val2017: an evaluation took 40000']),
    batches_not_told=([meta(), *[{name: value for name, value in row.items() if name != 'iter' or row['mode'] != 'val'}
                                 for row in epochs()]],
                      ['unverified', 'the log does not say how many batches an evaluation took']),
    percent=([meta(), *epochs(36.0)], ['fail', 'AP is 36.0, percent it seems: metrics go from 0 to 1']),
    no_number=([meta(), *epochs(float('nan'))], ['fail', 'AP is nan']),
    own_doubts=([meta(doubts=['pretrained=none']), *epochs()], ['unverified', 'pretrained=none']),
    escape_codes=([meta(ann_file='\x1b[2J' + 'x' * 10**5), *epochs()], ['unverified', r'not COCO val2017: \x1b[2Jxxx']),
)


@pytest.fixture
def answers(tmp_path, monkeypatch, capsys):
    """What the three say of work dirs, as plain texts."""
    monkeypatch.chdir(tmp_path)

    def run(name):
        found = []
        for words in (['verify', f'{name}/20220101_000000.log.json'], ['verify', name], ['report', name]):
            status = main(words)
            out, err = capsys.readouterr()
            assert not err and status == (1 if ': fail' in out else 0), err
            found.append(out)
        page = re.sub(r'<(style|svg|pre).*?</\1>', '', (tmp_path / name / 'report.html').read_text(), flags=re.S)
        page = ' '.join(html.unescape(re.sub(r'<[^>]+>', ' ', page)).split())
        return [*found[:2], page[:page.index(' Results ')]]

    return run


def write(folder, rows, cut='', name='20220101_000000.log.json'):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text('\n'.join(map(json.dumps, rows)) + '\n' + cut)


@pytest.mark.parametrize('name', LOGS)
def test_a_log_alone(answers, tmp_path, name):
    rows, told = LOGS[name]
    write(tmp_path / 'run', rows)
    file, folder, page = answers('run')
    assert file == folder
    for answer in (file, page):
        assert [words for words in told if words.lower() not in answer.lower()] == [], answer
        assert '\x1b' not in answer and len(answer) < 3000


def test_a_last_line_that_is_cut_off(answers, tmp_path):
    write(tmp_path / 'run', [meta(), *epochs()], '{"mode": "tr')
    assert all(PASS in answer and 'is cut off, and left out' in answer for answer in answers('run'))


def verdict(folder, command='train', AP=0.3604, why=(), sha256=VAL2017.sha256, **fields):
    folder.mkdir(exist_ok=True)
    content = dict(command=command, alias='head_r18', config=CONFIG, verdict='pass', why=list(why), seed=1,
                   metrics=dict(AP=AP) if AP else None, data=dict(val=dict(
                       ann_file='instances_val2017.json', images=5000, annotations=36781, sha256=sha256,
                       is_val2017=True)))
    (folder / 'verdict.json').write_text(json.dumps(dict(content, **fields)))


@pytest.mark.parametrize('change, told', [
    (dict(), 'head_r18: measured 36.04 mAP, reported 36.1, tolerance 0.30: pass'),
    (dict(sha256='0' * 64), 'the data are not COCO val2017'),  # though the log names it, and the verdict says pass
    (dict(why=['pretrained=none'], verdict='unverified'), 'pretrained=none'),
    (dict(why=['nothing was measured'], verdict='unverified', AP=None), 'unverified (nothing was measured)'),
    (dict(AP=None), 'fail (there is no box mAP)'),
    (dict(AP=0.37), 'ends with a box mAP of 36.00, not with the verdict\'s'),
    (dict(measured=36.5), 'it says measured 36.50, and its metrics say otherwise'),
    (dict(why=['\x1b[31m' + 'x' * 10**5] * 100, verdict='unverified'), '80 reasons more'),
])
def test_a_log_beside_its_verdict(answers, tmp_path, change, told):
    """The verdict knows more: hashes and all digits. A log that says something else is told."""
    write(tmp_path / 'run', [meta(), *epochs()])
    verdict(tmp_path / 'run', **change)
    file, folder, page = answers('run')
    assert file == folder and told in file and told in page
    assert '\x1b' not in file + page and len(file) < 10_000


@pytest.mark.parametrize('rows, told', [
    ([dict(meta(), exp_name='mine.py'), *epochs()], f'is of mine.py, the verdict of {CONFIG}'),
    (LOGS['no_evaluation'][0], 'no evaluation in it, and the verdict has metrics'),
    ([meta(doubts=['pretrained=none']), *epochs()], 'pretrained=none'),
])
def test_a_log_that_does_not_bear_out_its_verdict(answers, tmp_path, rows, told):
    write(tmp_path / 'run', rows)
    verdict(tmp_path / 'run')
    file, folder, page = answers('run')
    assert file == folder and 'unverified' in file and told in file and told in page


def test_an_older_log_beside_a_newer_one(answers, tmp_path):
    """The work dir is what its newest run is; a log that is named stands for itself."""
    write(tmp_path / 'run', [meta(), *epochs()])
    write(tmp_path / 'run', [meta(), *epochs(0.1, 2)], name='20220102_000000.log.json')
    file, folder, page = answers('run')
    assert PASS in file and 'measured 10.00 mAP' in folder and 'measured 10.00 mAP' in page
    assert all('20220101_000000.log.json is of an earlier run' in answer for answer in (folder, page))


def test_a_resumed_training_in_two_logs(answers, tmp_path):
    write(tmp_path / 'run', [meta(), *epochs()[:15]], name='20210101_000000.log.json')
    write(tmp_path / 'run', [meta(seed=7), *epochs()[12:]])
    file, folder, page = answers('run')
    assert file == folder and PASS in file and PASS in page


def test_names_of_files_and_configs_in_messages(tmp_path, capsys):
    (tmp_path / 'a\x1b[2J.json').write_text('{')
    assert main(['verify', str(tmp_path / 'a\x1b[2J.json')]) == 2
    verdict(tmp_path / 'run', command='\x1b[2J' + 'x' * 10**6)
    assert main(['verify', str(tmp_path / 'run')]) == 2
    err = capsys.readouterr().err
    assert err.count('\n') == 2 and '\x1b' not in err and r'a\x1b[2J.json' in err and len(err) < 2000
