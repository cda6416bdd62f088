"""What is sent in: without what is private, judged anew, and refused where something was done to it."""

import hashlib
import json
import math
import os
import re
import shutil
from pathlib import Path

import msgspec
import pytest

from head.coco.categories import NAMES
from head.ledger import entries, submission_check
from head.ledger.entries import own_submissions
from head.ledger.submission import MOST_ROWS, SUBMISSION, verdict_text
from head.results.verdict_file import Verdict

from ..report.made_up_runs import OTHERS
from .runs import HOME, LOG, RELEASED, smoke_run, train_run, write_json


def written(ledger):
    """The folders of its submissions."""
    return sorted(path.parent for path in ledger.glob('*/*/submission.json'))


def everything(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob('*') if path.is_file()}


@pytest.fixture
def ledger(call, tmp_path):
    """One with a training and a smoke run."""
    status, _, said = call('submit', train_run(tmp_path / 'runs/a'), smoke_run(tmp_path / 'runs/smoke'))
    assert status == 0 and not said
    return tmp_path / 'results'


def test_what_is_sent_in(call, ledger):
    training, smoke = written(ledger)
    assert training.parent.name == 'head_r18' and training.name.startswith('paper-')
    assert smoke.parent.name == 'smoke' and smoke.name.startswith('current-')
    assert {path.name for path in training.iterdir()} == {'verdict.json', LOG, SUBMISSION}
    status, out, _ = call('verify', 'results')
    assert status == 0 and 'smoke: pass' in out
    assert 'head_r18: measured 36.04 mAP, reported 36.1, tolerance 0.30: pass' in out


def test_the_detections_are_known_by_their_hash(ledger, tmp_path):
    training, smoke = (json.loads((folder / SUBMISSION).read_text()) for folder in written(ledger))
    content = (tmp_path / 'runs/a/results.bbox.json').read_bytes()
    assert training['detections'] == hashlib.sha256(content).hexdigest() and smoke['detections'] is None


def test_nothing_private_is_sent_in(ledger, tmp_path):
    """Neither whose the folders are, nor their machines; what the numbers were computed from stays."""
    text = b'\n'.join(everything(ledger).values()).decode()
    assert not [word for word in ('Jane', 'jane', 'Doe', 'gpu07', 'example', str(tmp_path), '/') if word in text]
    for word in ('instances_val2017.json', 'A100', 'rdzv=removed', 'data=coco', 'faster_rcnn.pth', 'nnodes=2'):
        assert word in text
    lines = [json.loads(line) for line in (written(ledger)[0] / LOG).read_text().splitlines()]
    assert len(lines) == 25 and {type(value) for row in lines[1:] for value in row.values()} == {str, int, float}
    assert {value for row in lines[1:] for value in row.values() if isinstance(value, str)} == {'train', 'val'}
    assert set(lines[0]) == {'env_info', 'config', 'exp_name', 'seed'}


def test_how_it_is_sent_in(call, tmp_path):
    _, out, _ = call('submit', smoke_run(tmp_path / 'smoke'))
    assert 'git switch -c results-current-' in out and 'open a pull request: docs/results.md' in out


def test_a_run_is_sent_in_once(call, ledger, tmp_path):
    before = everything(ledger)
    status, _, (said, ) = call('submit', train_run(tmp_path / 'runs/b', seed=2), tmp_path / 'runs/a')
    assert status == 2 and 'runs/a: is in the ledger already: results/head_r18/paper-' in said
    assert everything(ledger) == before


def test_runs_of_several_people_are_judged_together(call, ledger, tmp_path):
    for seed, percent in ((2, 36.2), (3, 35.9), (3, 35.8)):
        assert call('submit', train_run(tmp_path / f'{seed} {percent}', percent, seed))[0] == 0
    status, out, _ = call('verify', 'results')
    assert status == 0 and 'head_r18: 3 trainings, mean 36.0' in out and 'have the same seed' in out


def test_a_failed_reproduction_is_shown_as_one(call, tmp_path):
    assert call('submit', train_run(tmp_path / 'a', 34.0), train_run(tmp_path / 'b', 34.2, seed=2))[0] == 0
    status, out, _ = call('verify', 'results/head_r18')
    assert status == 1 and 'mean 34.10' in out and 'reported 36.1' in out and ': fail' in out


@pytest.mark.slow
def test_a_training_of_this_project(call, begun, tmp_path):
    """As `train` leaves it, which says of drawn images what they are."""
    status, out, said = call('submit', begun)
    assert status == 0 and not said and 'unverified' in out
    assert call('verify', 'results')[0] == 0
    text = b'\n'.join(everything(tmp_path / 'results').values()).decode()
    assert str(tmp_path) not in text and str(begun) not in text and '/made/' not in text


def test_evaluations(call, tmp_path, monkeypatch):
    """That of released weights must be of those that the catalog knows."""
    run = train_run(tmp_path / 'a', 36.09, command='eval', seed=None, checkpoint=RELEASED, tolerance=0.07)
    (run / LOG).unlink()
    status, _, lines = call('submit', run)
    assert status == 2 and 'the catalog has none of their sha256' in lines[0]
    monkeypatch.setattr(submission_check, '_is_released', lambda row, sha256: sha256 == RELEASED['sha256'])
    assert call('submit', run)[0] == 0
    for path in (run, train_run(tmp_path / 'b', 36.09, command='eval', seed=None)):
        content = json.loads((path / 'verdict.json').read_text())
        write_json(path / 'verdict.json', dict(content, checkpoint=None))
    status, _, lines = call('submit', run)
    assert status == 2 and 'does not say of what' in lines[0]


def test_a_diverged_training(call, tmp_path):
    run = train_run(tmp_path / 'a', 36.0, metrics=dict(AP=math.nan), measured=math.nan, difference=math.nan,
                    verdict='fail', why=['AP is nan'])
    text = (run / LOG).read_text()
    (run / LOG).write_text(re.sub(r'"bbox_mAP": 0\.36\d*', '"bbox_mAP": NaN', text))
    assert call('submit', run)[0] == 0
    assert call('verify', 'results')[0] == 1


def test_a_long_log_is_thinned(call, tmp_path):
    """One that logs every iteration of a GPU; what it ends with stays."""
    run = train_run(tmp_path / 'a')
    lines = (run / LOG).read_text().splitlines()
    row = lines[1].replace('"epoch": 1', '"epoch": 12')
    more = [row.replace('"iter": 7330', f'"iter": {place}') for place in range(40000)]
    (run / LOG).write_text('\n'.join([*lines[:-2], *more, *lines[-2:]]))
    assert call('submit', run)[0] == 0
    kept = (written(tmp_path / 'results')[0] / LOG).read_text().splitlines()
    assert MOST_ROWS / 2 < len(kept) < MOST_ROWS + 20 and '"iter": 39999' in kept[-2]
    assert call('verify', 'results')[0] == 0


def test_an_older_submission_stays_one(ledger, call, monkeypatch):
    """A later version's verdicts have more fields, which earlier ones do not tell."""
    content = json.loads((written(ledger)[0] / 'verdict.json').read_text())
    assert None not in content.values() and 'accumulate' not in content and 'amp' not in content


def test_the_projects_own_ledger_may_be_empty(call, tmp_path, monkeypatch):
    monkeypatch.setattr(entries, 'ROOT', tmp_path)
    (tmp_path / 'results/head_r18').mkdir(parents=True)
    (tmp_path / 'results/README.md').write_text('# What this is')
    assert call('verify', 'results')[0] == 0
    (tmp_path / 'results/head_r18/x.py').write_text('import os')
    assert 'x.py: no submission' in call('verify', 'results')[2][0]
    (tmp_path / 'results/head_r18/x.py').unlink()
    (tmp_path / 'results/README.md').chmod(0o755)
    assert 'README.md: no submission' in call('verify', 'results')[2][0]


def test_all_or_nothing(call, tmp_path):
    (tmp_path / 'results').mkdir()
    (tmp_path / 'results/smoke').write_text('mine')
    status, _, lines = call('submit', train_run(tmp_path / 'a'), smoke_run(tmp_path / 'b'))
    assert status == 2 and 'results/smoke is no folder' in lines[0] and os.listdir(tmp_path / 'results') == ['smoke']


def tampered(change, in_form=True):
    """A change of a submission by a function of the parsed `verdict.json`, its hashes and place made again."""

    def apply(folder):
        content = json.loads((folder / 'verdict.json').read_text())
        change(content)
        text = json.dumps(content, indent=1).encode() + b'\n'
        (folder / 'verdict.json').write_bytes(verdict_text(msgspec.convert(content, Verdict)) if in_form else text)
        return made_again(folder)

    return apply


def made_again(folder):
    """Make the hashes and the name of a submission those of its files."""
    listed = json.loads((folder / SUBMISSION).read_text())
    listed['files'] = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()
                       if path.name != SUBMISSION}
    (folder / SUBMISSION).write_text(json.dumps(listed, indent=1) + '\n')
    name = hashlib.sha256((folder / 'verdict.json').read_bytes()).hexdigest()[:12]
    return folder.rename(folder.with_name(f'{folder.name.partition("-")[0]}-{name}'))


def in_log(old, new):
    def apply(folder):
        text = (folder / LOG).read_text()
        assert old in text
        (folder / LOG).write_text(text.replace(old, new))
        return made_again(folder)

    return apply


def without_log(folder):
    (folder / LOG).unlink()
    return made_again(folder)


def set_number(name, value, in_form=True):
    return tampered(lambda content: content.update({name: value}), in_form)


def better(content):
    """A whole invented number, in every place of the verdict."""
    content.update(measured=36.3, difference=36.3 - 36.1, metrics=dict(content['metrics'], AP=0.363),
                   per_category={name: 0.363 for name in content['per_category']})


def add(name, content=b'{}', **of_file):
    def apply(folder):
        (folder / name).write_bytes(content)
        for way, value in of_file.items():
            getattr(os, way)(folder / name, value)
        return folder

    return apply


def link(folder):
    (folder / LOG).unlink()
    (folder / LOG).symlink_to('/etc/passwd')


def beside(folder):
    (folder.parent / 'run.py').write_text('import os')


def elsewhere(folder):
    folder.rename(folder.with_name('paper-000000000000'))


@pytest.mark.parametrize('change, said', [
    (lambda folder: (folder / 'verdict.json').write_text(
        (folder / 'verdict.json').read_text().replace('"measured": 36.04', '"measured": 36.14')),
     'verdict.json: changed since it was submitted'),
    (set_number('measured', 36.14), 'its numbers give unverified (it says measured 36.14'),
    (tampered(lambda content: content['metrics'].update(AP=0.3614)),
     'AP is 36.14, but the mean of its categories 36.04'),
    (tampered(better), f'{LOG} ends with a box mAP of 36.04, not with the verdict'),
    (set_number('verdict', 'fail'), 'says fail, and its numbers give pass'),
    (set_number('why', ['the teacher is random']),
     'says pass, and its numbers give unverified (the teacher is random)'),
    (set_number('reported', 30.0), 'says reported 30.0, and its numbers give 36.1'),
    (tampered(lambda content: content['data']['val'].update(sha256='0' * 64)), 'the data are not COCO val2017'),
    (set_number('config_sha256', '0' * 64), 'of another config than configs/head/head_retina'),
    (set_number('config', 'retinanet_r18.py'), 'of head_r18, but its config is retinanet_r18.py'),
    (set_number('alias', 'assist_r18'), 'belongs to assist_r18/paper-'),
    (set_number('alias', '/tmp/evil', False), 'names a folder'),
    (set_number('alias', 'evil'), 'of evil, which is no row'),
    (set_number('stack', 'a | b'), 'of the stack a | b, which there is not'),
    (set_number('amp', 'fp16'), 'says pass, and it did not compute in float32'),
    (set_number('tf32', True), 'says pass, and it did not compute in float32'),
    (set_number('commit', '6b0c+'), 'says pass, and its code is that of no commit'),
    (set_number('weights', []), 'says pass, and it did not begin with the row\'s weights'),
    (set_number('seed', 2), 'says seed 2, and its log 1'), (set_number('tolerance', 0.01), 'says tolerance 0.01'),
    (set_number('measured', None), 'says measured None'), (set_number('seconds', -5.0), 'it took -5 seconds'),
    (set_number('processes', 0), 'it ran in 0 processes'), (set_number('per_category', None), 'and not the AP of each'),
    (set_number('per_category', {'person': 0.3604}), 'and not the AP of each of COCO\'s 80'),
    (set_number('per_category', {name: 1e308 for name in NAMES}), 'the AP of person is 1e+308'),
    (set_number('per_category', {name: math.nan for name in NAMES}), 'the AP of person is nan'),
    (without_log, 'of a training, whose log is not there'),
    (in_log('"iter": 625', '"iter": 2'), 'an evaluation took 2 batches'),
    (in_log('"epoch": 12', '"epoch": 11'), 'the log ends at epoch 11'),
    (in_log('instances_val2017', 'instances_minival'), 'the data are not COCO val2017: instances_minival.json'),
    (in_log('"mode": "train", "epoch": 3', '"mode": "/home/jane", "mode": "train", "epoch": 3'), 'in another form'),
    (in_log('{"mode": "train", "epoch": 3', '{"note": 1}\n{"mode": "train", "epoch": 3'), 'in another form'),
    (in_log('{"mode": "train", "epoch": 3', '{"x": ' + '[' * 900 + ']' * 900 + '}\n{"mode": "train", "epoch": 3'),
     'results/head_r18/paper-'),  # in words that depend on how deep a Python reads
    (in_log('"mode": "train", "epoch": 3', '"mode": "train",  "epoch": 3'), 'in another form'),
    (set_number('arguments', ['train', f'data={HOME}'], False),
     'names a folder, a machine or a person: data=/home/Jane'),
    (set_number('device', 'A100 of jane@example.org', False), 'names a folder, a machine or a person'),
    (set_number('stowaway', 1, False), 'more than is read of one'),
    (in_log('"sys.platform: linux', '"from \\\\\\\\server\\\\jane'), f'{LOG}: names a folder'),
    (in_log('"exp_name": "head_', '"exp_name": "other_'), 'is of other_retina'),
    (add('epoch_12.pth', b'\x80\x02}'), 'epoch_12.pth: no part of a submission'),
    (add('20261128_100000.log.json', b'\x80\x02}q\x00.'),
     '20261128_100000.log.json is not listed in submission.json'),
    (add(LOG, chmod=0o755), f'{LOG}: executable; chmod -x'),
    (add('verdict.json', b' ' * (2**21 + 1)), 'verdict.json: 2.1 MB, 2.1 at most'),
    (link, f'{LOG}: not a regular file'),
    (lambda folder: (folder / 'verdict.json').unlink(), 'has no verdict.json'),
    (beside, 'head_r18/run.py: no submission and no part of one'),
    (elsewhere, 'belongs to head_r18/paper-'),
])
def test_what_was_done_to_it_is_found(call, ledger, change, said):
    folder = change(written(ledger)[0])
    status, out, lines = call('verify', 'results')
    assert status == 2 and not out and len(lines) == 1 and said in lines[0]
    if isinstance(folder, Path) and 'belongs to' not in said:  # named by itself, too
        assert said in call('verify', folder)[2][0]


@pytest.mark.parametrize('own', own_submissions(), ids=os.path.basename)
def test_a_changed_copy_of_our_own(call, own, tmp_path):
    copy = tmp_path / 'results' / Path(own).parent.name / Path(own).name
    shutil.copytree(own, copy)
    assert call('verify', 'results')[0] == 0
    content = (copy / 'verdict.json').read_bytes()
    (copy / 'verdict.json').write_bytes(content.replace(b'CPU', b'GPU'))
    assert 'changed since it was submitted' in call('verify', 'results')[2][0]
    (copy / 'verdict.json').write_bytes(content)
    tampered(lambda verdict: verdict['checks'][0].update(holds=False))(copy)
    assert 'says pass, and its numbers give fail' in call('verify', 'results')[2][0]


@pytest.mark.parametrize('change, said', [
    (dict(verdict='pass', checks=[dict(what='AP', found=0.0, wanted='>= 0.05', holds=False)]), 'its numbers give fail'),
    (dict(checks=[]), 'no checks in it'), (dict(why=['it is too hot']), 'says pass, and: it is too hot'),
    (dict(versions=dict(torch='2.1 from /opt/torch')), '')])
def test_smoke_runs(call, tmp_path, change, said):
    status, _, lines = call('submit', smoke_run(tmp_path / 'smoke', **change))
    assert (status, bool(lines)) == ((2, True) if said else (0, False)) and said in ' '.join(lines)


def no_verdict(folder):
    (folder / 'verdict.json').unlink()


def of_verify(folder):
    write_json(folder / 'verdict.json', OTHERS['verify'])
    (folder / LOG).unlink()


def undated(folder):
    (folder / LOG).rename(folder / 'None.log.json')


def own_config(folder):
    content = json.loads((folder / 'verdict.json').read_text())
    write_json(folder / 'verdict.json', dict(content, alias=None))


@pytest.mark.parametrize('change, said', [
    (no_verdict, 'bad: no verdict.json in it'), (of_verify, 'bad: the verdict of verify'),
    (undated, 'None.log.json: its name does not say when'), (own_config, 'bad: verdict.json: of no row'),
    (shutil.rmtree, 'bad: no such work dir'),
    (lambda folder: (folder / 'verdict.json').write_text('{'), 'verdict.json: not json')])
def test_other_work_dirs(call, tmp_path, change, said):
    """None of those that were named is put into the ledger then."""
    good, bad = smoke_run(tmp_path / 'good'), train_run(tmp_path / 'bad')
    change(bad)
    status, out, lines = call('submit', good, bad)
    assert status == 2 and not out and len(lines) == 1 and said in lines[0]
    assert not (tmp_path / 'results').exists()


def test_wrong_requests(call, tmp_path):
    assert 'submit needs work dirs' in call('submit')[2][0]
    (tmp_path / 'results').write_text('mine')
    status, _, (said, ) = call('submit', smoke_run(tmp_path / 'smoke'))
    assert status == 2 and 'results is no folder' in said


def test_mmdets_own_log_is_no_run_of_this_project(call, shared, tmp_path):
    shutil.copy(shared / 'logs/ViTAE-S-GPU.log.json', tmp_path)
    assert 'no verdict.json in it' in call('submit', tmp_path)[2][0]
