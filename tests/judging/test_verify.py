"""`verify` as a user calls it, on results of this project and of mmdet."""

import json
import os
import shutil

import pytest

from head import catalog
from head.cli import main
from head.engine import locked_packages
from head.judging.earlier_result import BYTES_SCORED
from head.judging.verdict import judge, sentence
from head.results.detections import BYTES_READ
from head.support import available_memory
from head.support.file_hash import file_hash

from ..report.made_up_runs import OTHERS, write_json

CONFIG = 'head_retina_faster_r18_fpn_mstrain_1x_coco.py'
VAL2017 = catalog.coco().splits['val2017']
VAL_STEPS = catalog.coco().splits['train2017'].images // 16


@pytest.fixture(autouse=True)
def somewhere(tmp_path, monkeypatch):
    """Results go below the test's folder; the catalog is found all the same."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def verify(capsys):
    """Run it in this process; returns (status, stdout, stderr, what it wrote)."""

    def run(*words):
        shutil.rmtree('work_dirs/verify', ignore_errors=True)
        status = main(['verify', *map(str, words)])
        out, err = capsys.readouterr()
        written = 'work_dirs/verify/verdict.json'
        return status, out, err, json.load(open(written)) if os.path.exists(written) else None

    return run


def verdict(path, AP=0.361, seed=1, command='train', why=(), sha256=VAL2017.sha256, **fields):
    """Write the verdict.json of a work dir."""
    path.mkdir()
    content = dict(
        command=command, alias='head_r18', config=CONFIG, verdict='pass', why=list(why), seed=seed,
        metrics=dict(AP=AP, AP50=0.55, APs=-1), data=dict(val=dict(
            ann_file='instances_val2017.json', images=5000, annotations=36781, sha256=sha256, is_val2017=True)))
    content.update(fields)
    (path / 'verdict.json').write_text(json.dumps(content))
    return path


def log(path, mAP=0.361, seed=1, ann_file='data/coco/annotations/instances_val2017.json', epochs=12, exp_name=CONFIG,
        batches=625, beyond=0):
    """Write a log as mmdet does."""
    config = f"data = dict(\n    val=dict(\n        type='CocoDataset',\n        ann_file={ann_file!r}))\n"
    rows = [dict(env_info='…', config=config + "runner = dict(type='EpochBasedRunner', max_epochs=12)\n", seed=seed,
                 exp_name=exp_name)]
    for epoch in range(1, epochs + 1):
        rows.append(dict(mode='train', epoch=epoch, iter=50, lr=0.01, loss=1.0))
        rows.append(dict(mode='val', epoch=epoch, iter=batches, lr=0.01, bbox_mAP=mAP if epoch == epochs else 0.1))
    rows += [dict(mode='train', epoch=epochs + 1 + more, iter=50, lr=0.01, loss=1.0) for more in range(beyond)]
    path.write_text('\n'.join(map(json.dumps, rows)))
    return path


def test_own_training(verify, tmp_path):
    status, out, _, written = verify(verdict(tmp_path / 'a', AP=0.3588))
    assert status == 0 and 'reported 36.1, tolerance 0.30: pass' in out
    assert written['verdict'] == 'pass' and written['results'][0]['metrics']['AP'] == 0.3588
    assert verify(verdict(tmp_path / 'b', AP=0.3575))[0] == 1


def test_released_checkpoint_is_held_to_a_tighter_tolerance(verify, tmp_path):
    checkpoint = dict(path='x.pth', sha256='0', confirmed=False, part='released checkpoint')
    status, out, *_ = verify(verdict(tmp_path / 'a', AP=0.3602, command='eval', checkpoint=checkpoint))
    assert status == 1 and 'tolerance 0.07: fail' in out
    assert verify(verdict(tmp_path / 'b', AP=0.3605, command='eval', checkpoint=checkpoint))[0] == 0


def test_other_data_never_pass(verify, tmp_path):
    """Whatever the file claims of itself: the hash of the annotation file decides."""
    status, out, _, written = verify(verdict(tmp_path / 'a', sha256='0' * 64))
    assert status == 0 and 'unverified (the data are not COCO val2017)' in out and written['verdict'] == 'unverified'


def test_a_verdict_on_a_config_of_ones_own(verify, tmp_path):
    run = verdict(tmp_path / 'a', alias=None, why=['nothing is reported for this config'])
    assert verify(run)[1].count('nothing is reported') == 1
    assert 'reported 36.1, tolerance 0.30: pass' in verify(run, 'config=head_r18')[1]


def test_doubts_of_the_run_stay(verify, tmp_path):
    assert 'unverified (pretrained=none)' in verify(verdict(tmp_path / 'a', why=['pretrained=none']))[1]


@pytest.mark.parametrize(
    'metrics', [None, {}, dict(AP=float('nan')), dict(AP=36.1), dict(AP=-1), dict(AP=0.361, AP50=2)])
def test_missing_or_impossible_metrics_fail(verify, tmp_path, metrics):
    status, out, *_ = verify(verdict(tmp_path / 'a', metrics=metrics))
    assert status == 1 and ': fail (' in out


def test_log_of_mmdet_is_rounded(verify, tmp_path):
    """35.8 may have been 35.75: the tolerance of 0.3 widens by 0.05."""
    status, out, *_ = verify(log(tmp_path / 'a.log.json', 0.358))
    assert status == 0 and 'tolerance 0.35: pass' in out and 'not checked' in out
    assert verify(log(tmp_path / 'b.log.json', 0.357))[0] == 1
    assert 'tolerance 0.30' in verify(log(tmp_path / 'c.log.json', 0.3583))[1]


@pytest.mark.parametrize('change,why', [
    (dict(epochs=8), 'ends at epoch 8, the row\'s training at 12'),
    (dict(batches=64), 'took 64 batches'),
    (dict(beyond=1), 'ends at epoch 13, the row\'s training at 12'),
    (dict(ann_file='mine/val.json'), 'mine/val.json'),
    (dict(ann_file='it\'s mine/val.json'), 'it\'s mine/val.json'),
    (dict(ann_file=['instances_val2017.json', 'more.json']), 'instances_val2017.json, more.json'),
    (dict(exp_name='mine.py'), 'nothing is reported'),
])
def test_log_that_says_nothing_of_the_reported_number(verify, tmp_path, change, why):
    status, out, *_ = verify(log(tmp_path / 'a.log.json', **change))
    assert status == 0 and 'unverified' in out and why in out


def test_an_iteration_based_log_that_goes_on(verify, tmp_path):
    """Evaluated at the end of the row's epochs, and trained beyond."""
    path, last = tmp_path / 'a.log.json', 12 * VAL_STEPS
    config = "runner = dict(type='IterBasedRunner')\ndata = dict(val=dict(ann_file='instances_val2017.json'))\n"
    rows = [dict(env_info='…', config=config, seed=1, exp_name=CONFIG),
            dict(mode='train', epoch=1, iter=last, lr=0.01, loss=1.0),
            dict(mode='val', epoch=1, iter=625, lr=0.01, bbox_mAP=0.361)]
    path.write_text('\n'.join(map(json.dumps, rows)))
    assert ': pass' in verify(path)[1]
    rows.append(dict(mode='train', epoch=1, iter=2 * last, lr=0.01, loss=1.0))
    path.write_text('\n'.join(map(json.dumps, rows)))
    assert f'ends at iteration {2 * last}' in verify(path)[1]


def test_what_was_not_compared_is_said(verify, tmp_path):
    """A file tells the name of its config; one of that name may have been changed."""
    (tmp_path / 'eval.json').write_text(json.dumps(dict(config=CONFIG, metric=dict(bbox_mAP=0.361))))
    for path in (log(tmp_path / 'a.log.json'), tmp_path / 'eval.json'):
        assert 'not checked: whether the config is the row\'s: no more than its file name' in verify(path)[1]


def test_log_of_a_config_of_another_name(verify, tmp_path):
    path = log(tmp_path / 'a.log.json', exp_name='mine.py')
    assert ': pass' in verify(path, 'config=head_r18')[1]


def test_real_log(verify, shared):
    status, out, *_ = verify(shared / 'logs')
    assert status == 0 and 'measured 45.60 mAP: unverified (nothing is reported' in out


def test_metrics_of_mmdet(verify, tmp_path):
    (tmp_path / 'eval.json').write_text(json.dumps(dict(config=f'configs/head/{CONFIG}', metric=dict(
        bbox_mAP=0.361, bbox_mAP_50=0.55, bbox_mAP_copypaste='0.361'))))
    assert 'tolerance 0.35: pass' in verify(tmp_path / 'eval.json')[1]


def test_metrics_that_name_no_config(verify, tmp_path):
    (tmp_path / 'eval.json').write_text('{"AP": 0.361}')
    assert 'unverified (the file does not say' in verify(tmp_path / 'eval.json', 'config=head_r18')[1]


def test_a_log_beside_its_verdict_has_its_doubts(verify, tmp_path):
    run = verdict(tmp_path / 'a', why=['pretrained=none'])
    assert 'unverified (pretrained=none)' in verify(log(run / 'x.log.json'))[1]


def test_verify_does_not_overwrite_what_it_checks(verify, tmp_path):
    run = verdict(tmp_path / 'a')
    before = (run / 'verdict.json').read_bytes()
    status, _, err, _ = verify(run, f'work_dir={run}')
    assert status == 2 and 'which verify would overwrite' in err and (run / 'verdict.json').read_bytes() == before


def test_a_path_with_an_equals_sign(verify, tmp_path):
    verdict(tmp_path / 'lr=0.01')
    assert verify('./lr=0.01')[0] == 0 and verify(tmp_path / 'lr=0.01')[0] == 0


def test_written_verdicts_are_json(verify, tmp_path):
    verify(verdict(tmp_path / 'a', AP=float('nan')))
    assert 'NaN' not in (tmp_path / 'work_dirs/verify/verdict.json').read_text()


def test_detections_alone(verify, shared):
    folder = shared / 'coco_val2014_fake100'
    status, out, *_ = verify(folder / 'results/instances_val2014_fakebbox100_results.json', 'config=head_r18',
                             f'data={folder}/annotations/instances_val2014_100.json')
    assert status == 0 and 'measured 50.46 mAP' in out and 'unverified (the data are not COCO val2017)' in out


def test_detections_on_val2017(verify, tmp_path, drawn, monkeypatch):
    """The drawn set stands in for val2017: the hash that the catalog knows is that of its annotations.

    Another environment than the locked one scores nothing that counts; what is read is another's.
    """
    folder = shutil.copytree(catalog.FOLDER, tmp_path / 'catalog')
    sha256 = file_hash(drawn / 'annotations/instances_val2017.json')
    coco = folder / 'coco.yaml'
    coco.write_text(coco.read_text().replace(VAL2017.sha256, sha256))
    monkeypatch.setattr(catalog, 'FOLDER', folder)
    truth = json.loads((drawn / 'annotations/instances_val2017.json').read_text())
    keys = ('image_id', 'category_id', 'bbox')
    found = [dict({key: one[key] for key in keys}, score=0.9) for one in truth['annotations'] if not one['iscrowd']]
    (tmp_path / 'x.bbox.json').write_text(json.dumps(found))
    status, out, *_ = verify(tmp_path / 'x.bbox.json', 'config=head_r18', f'data={drawn}')
    assert status == 1 and 'measured 100.00 mAP, reported 36.1, tolerance 0.30: fail' in out
    monkeypatch.setattr(locked_packages, 'differences', lambda: ['numpy is 9, not 1'])
    earlier = verdict(tmp_path / 'a', sha256=sha256)
    status, out, _, written = verify(tmp_path / 'x.bbox.json', earlier, 'config=head_r18', f'data={drawn}')
    scored, read = written['results']
    assert status == 0 and scored['verdict'] == written['verdict'] == 'unverified' and 'lock: numpy is 9' in out
    assert 'lock: numpy is 9, not 1' in scored['why'][0] and read['why'] == []


@pytest.mark.parametrize('missing', [0, 1])
def test_detections_that_cannot_all_be_scored(verify, tmp_path, drawn, monkeypatch, missing):
    """Told before they are read: reading them would find room, scoring them would not."""
    one = dict(image_id=1001, category_id=1, bbox=[1, 2, 3, 4], score=0.5)
    (tmp_path / 'x.bbox.json').write_text(json.dumps([one] * 100))
    need = 100 * (BYTES_READ + BYTES_SCORED)
    monkeypatch.setattr(available_memory, 'available_memory', lambda: need - missing)
    status, _, err, _ = verify(tmp_path / 'x.bbox.json', f'data={drawn}')
    assert status == (3 if missing else 0) and err.count('\n') == missing, err
    assert not missing or 'x.bbox.json: needs about 0.0 GB of memory' in err


@pytest.mark.parametrize('change,named', [
    (dict(image_id=7), 'image 7'),
    (dict(category_id=12), 'category 12'),
    (dict(bbox=[1, 2, 3]), 'bbox'),
    (dict(score=float('nan')), 'NaN, which is no number, in line 1, column 70'),
    (dict(score=float('-inf')), '-Infinity'),
    (dict(score=10**400), 'out of range'),
])
def test_detections_that_are_none(verify, tmp_path, drawn, change, named):
    one = dict(dict(image_id=1001, category_id=1, bbox=[1, 2, 3, 4], score=0.5), **change)
    (tmp_path / 'x.bbox.json').write_text(json.dumps([one]))
    status, out, err, written = verify(tmp_path / 'x.bbox.json', f'data={drawn}')
    assert status == 2 and not out and written is None
    assert err.startswith('head: ') and err.count('\n') == 1 and named in err and 'x.bbox.json' in err


def test_seeds_together(verify, tmp_path):
    """Each of them alone may fail; the mean decides."""
    runs = [verdict(tmp_path / f'{seed}', AP=AP, seed=seed) for seed, AP in enumerate((0.3575, 0.3605, 0.3612))]
    status, out, _, written = verify(*runs)
    assert status == 0 and '3 trainings, mean 35.97 mAP' in out
    assert written['together']['head_r18']['verdict'] == 'pass' and written['results'][0]['verdict'] == 'fail'
    status, out, *_ = verify(*[verdict(tmp_path / f'bad{seed}', AP=AP, seed=seed)
                               for seed, AP in enumerate((0.351, 0.353, 0.352))])
    assert status == 1 and 'reported 36.1' in out.splitlines()[-2] and ': fail' in out.splitlines()[-2]


def test_a_repeated_seed_does_not_count_alone(verify, tmp_path):
    runs = [verdict(tmp_path / f'{seed}', AP=AP, seed=seed) for seed, AP in enumerate((0.357, 0.361, 0.362))]
    again = verdict(tmp_path / 'again', AP=0.3571, seed=0)
    status, out, _, written = verify(runs[0], runs[0], again, *runs[1:])
    assert status == 0 and written['together']['head_r18']['n'] == 3 and out.count('not combined') == 2


def test_verify_into_a_work_dir_of_mmdet(verify, tmp_path):
    (tmp_path / 'mm').mkdir()
    path = log(tmp_path / 'mm' / 'x.log.json')
    assert 'would hide' in verify(path, f'work_dir={tmp_path}/mm')[2]
    assert verify(path)[0] == 0 and verify(tmp_path / 'mm')[0] == 0


def test_a_misspelt_key_is_no_path(verify, tmp_path):
    assert 'nearest: work_dir' in verify(verdict(tmp_path / 'a'), 'work-dir=x')[2]


def test_seeds_that_may_be_off_by_chance(verify, tmp_path):
    status, out, *_ = verify(*[verdict(tmp_path / f'{seed}', AP=AP, seed=seed)
                               for seed, AP in enumerate((0.3570, 0.3582))])
    assert status == 0 and 'unverified (off, but it may be chance: train more seeds)' in out


def test_the_same_run_twice_is_no_second_seed(verify, tmp_path):
    first = verdict(tmp_path / 'a')
    status, out, _, written = verify(first, shutil.copytree(first, tmp_path / 'b'))
    assert status == 0 and 'are the same run' in out and not written['together']
    status, out, _, written = verify(first, verdict(tmp_path / 'c', AP=0.3602))
    assert status == 0 and 'have the same seed' in out and not written['together']


def test_an_evaluation_of_the_same_checkpoint_is_no_second_seed(verify, tmp_path):
    trained = verdict(tmp_path / 'a')
    checkpoint = dict(part='checkpoint', path='x.pth', sha256='0', confirmed=False)
    evaluated = verdict(tmp_path / 'b', AP=0.3611, command='eval', seed=None, checkpoint=checkpoint)
    assert not verify(trained, evaluated)[3]['together']


@pytest.mark.parametrize('other', [dict(why=['pretrained=none'], seed=2), dict(seed=1), dict(sha256='0' * 64, seed=2)])
def test_a_companion_does_not_hide_a_failure(verify, tmp_path, other):
    status, _, _, written = verify(verdict(tmp_path / 'a', AP=0.3), verdict(tmp_path / 'b', AP=0.42, **other))
    assert status == 1 and written['verdict'] == 'fail' and not written['together']


def test_a_fault_in_one_of_several_fails(verify, tmp_path):
    status, out, *_ = verify(verdict(tmp_path / 'a'), verdict(tmp_path / 'b', metrics=None, seed=2))
    assert status == 1 and 'fail (there is no box mAP)' in out.splitlines()[-2]


@pytest.mark.parametrize('command, spoilt, fault', [
    ('smoke', dict(checks=[dict(what='AP', found=0, wanted='>= 0.05', holds=False)]), 'pass, and AP does not hold'),
    ('mini', dict(why=['baseline: not the stored trainings repeated']), 'says pass, and: baseline'),
    ('verify', dict(results=[dict(OTHERS['verify']['results'][0], verdict='fail')]), 'says pass, and a is fail'),
])
def test_verdicts_of_other_commands(verify, tmp_path, command, spoilt, fault):
    """Each counts as it is, unless its own parts contradict it."""
    write_json(tmp_path / 'one/verdict.json', OTHERS[command])
    status, out, _, written = verify('one', verdict(tmp_path / 'a'))
    assert status == 0 and written['verdict'] == 'pass' and f'one/verdict.json: {command}: pass' in out
    write_json(tmp_path / 'one/verdict.json', {**OTHERS[command], **spoilt})
    status, out, _, written = verify('one')
    assert status == 1 and written['verdict'] == 'fail' and fault in out
    status, _, err, _ = verify('one', 'config=head_r18')
    assert status == 2 and f'the verdict of {command}, not of config=head_r18' in err


@pytest.mark.parametrize('words,named', [
    ([], 'needs files'),
    (['none.json'], 'none.json: no such file'),
    (['empty'], 'empty: neither'),
    (['number.json'], 'number.json: neither a verdict'),
    (['words.json'], 'words.json: neither a verdict nor metrics'),
    (['a', 'config=assist_r18'], 'is of head_r18, not of config=assist_r18'),
    (['a', 'config=head_r81'], 'head_r18'),
    (['x.bbox.json'], 'data=FOLDER'),
    (['x.bbox.json', 'data=nowhere'], 'nowhere'),
])
def test_bad_input(verify, tmp_path, words, named):
    (tmp_path / 'empty').mkdir()
    (tmp_path / 'number.json').write_text('1')
    (tmp_path / 'words.json').write_text('{"a": "b"}')
    (tmp_path / 'x.bbox.json').write_text('[]')
    verdict(tmp_path / 'a')
    status, out, err, written = verify(*words)
    assert status == 2 and not out and written is None
    assert err.startswith('head: ') and err.count('\n') == 1 and named in err


def test_no_torch(head, tmp_path):
    import subprocess
    import sys
    work_dir = verdict(tmp_path / 'a')
    probe = f'import sys; from head.cli import main; main(["verify", "{work_dir}"]); assert "torch" not in sys.modules'
    environment = dict(os.environ, PYTHONPATH=str(catalog.ROOT))
    done = subprocess.run([sys.executable, '-c', probe], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and ': pass' in done.stdout, done.stderr




def test_reasons_are_printed_without_control_characters():
    assert sentence('x', judge(36.0, 36.1, 0.35, ['a\x1b[2J\nb'])).endswith(r'unverified (a\x1b[2J\nb)')
