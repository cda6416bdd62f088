"""What the page says, and that it loads nothing."""

import json
import subprocess
import sys
import warnings

import pytest

from head import catalog
from head.report.page import render
from head.results.run import read_run

from ..conftest import ROOT
from .loading import Page
from .made_up_runs import write_evaluation, write_json, write_training


def page_of(*folders, **keys):
    return Page(render([read_run(str(folder)) for folder in folders], **keys))


@pytest.fixture
def whole(training, evaluation):
    """The page of a training and an evaluation."""
    return page_of(training, evaluation)


def test_every_row_is_listed(whole):
    table = whole.text[whole.text.index('Results'):whole.text.index('within the tolerance')]
    rows = [row for row in catalog.models().values() if row.reported or row.printed]
    assert all(row.alias in table for row in rows)
    assert table.count('not run') == len(rows) - 1  # both runs are of one row
    assert '35.62 −0.48 ✗ fail training' in table
    assert '36.04 −0.06 ✓ pass evaluation' in table
    assert '(31.7)' in table


def test_the_verdict_is_the_first_heading(evaluation, training):
    sentence = 'head_r18: measured 36.04 mAP, reported 36.1, tolerance 0.07: pass'
    assert page_of(evaluation).text.startswith(f'{sentence} HEAD, reproduced · report ✓ pass {sentence} Results')
    both = page_of(evaluation, training).text
    assert both.startswith(f'2 runs: 1 pass, 1 fail HEAD, reproduced · report 2 runs: 1 pass, 1 fail ✓ pass {sentence}')


def test_reasons_of_an_unverified_run(tmp_path, drawn):
    folder = write_evaluation(tmp_path / 'run', drawn, verdict='unverified', why=['teacher=random'])
    assert 'Why unverified: teacher=random.' in page_of(folder).text


def test_nothing_measured(tmp_path, drawn):
    folder = write_training(tmp_path / 'run', drawn, measured=None, metrics=None, per_category=None, difference=None,
                            verdict='unverified', why=['nothing was measured'])
    assert page_of(folder).text.count('head_r18: unverified (nothing was measured)') == 2


def test_it_loads_nothing(whole):
    assert whole.loads == []
    assert not {'script', 'iframe', 'link', 'object', 'embed', 'base'} & {tag for tag, _ in whole.elements}


def test_ids(whole):
    assert len(whole.ids) == len(set(whole.ids))
    assert set(whole.references) <= set(whole.ids)


def test_headings_go_down_by_one(whole):
    assert whole.headings[0] == 1 and whole.headings.count(1) == 1
    assert all(below - above <= 1 for above, below in zip(whole.headings, whole.headings[1:]))


def test_figures_have_names_and_headers_a_scope(whole):
    assert whole.elements[0] == ('html', {'lang': 'en'})
    for tag, attributes in whole.elements:
        if tag == 'svg':
            assert attributes.get('aria-hidden') == 'true' or attributes['aria-label']
        if tag == 'th':
            assert attributes['scope']


def test_categories_are_sorted(whole):
    words = whole.text
    assert words.index('toothbrush 59.5') < words.index('person 20.0') < words.index('hair drier none')


def test_provenance(whole):
    for fact in ('c0ffee11' * 8 + ' (a file of the catalog)', '6b0c1f02' * 5, '9f' * 32, 'seed 3407', 'torch 1.9.1',
                 'scripts/eval config=head_r18', 'NVIDIA A100-SXM4-40GB', '6 min 52 s', 'sys.platform: linux'):
        assert fact in whole.text
    assert 'torchvision' not in whole.text


def test_pictures(whole):
    pictures = [attributes for tag, attributes in whole.elements if attributes.get('class') == 'picture']
    assert len(pictures) == 12  # six images, each twice
    drawn = [attributes for tag, attributes in whole.elements if tag == 'image']
    assert len(drawn) == 6  # once each


def test_a_picture_is_embedded_once(tmp_path, drawn):
    folders = [write_evaluation(tmp_path / name, drawn) for name in 'ab']
    page = page_of(*folders)
    assert len([tag for tag, _ in page.elements if tag == 'image']) == 6
    assert len([tag for tag, _ in page.elements if tag == 'use' and _['href'].startswith('#image-')]) == 18


def test_the_same_runs_give_the_same_page(training, evaluation):
    runs = [str(training), str(evaluation)]
    code = ('import hashlib, sys; from head.report.page import render; from head.results.run import read_run;'
            'print(hashlib.sha256(render([read_run(run) for run in sys.argv[1:]]).encode()).hexdigest())')
    once, again = (subprocess.run([sys.executable, '-c', code, *runs], cwd=ROOT, capture_output=True, check=True).stdout
                   for _ in range(2))
    assert once == again


def test_names_are_escaped(tmp_path, drawn):
    evil = '"><script>alert(1)</script><img src=x>'
    folder = write_training(tmp_path / 'run', drawn, alias=None, config=f'{evil}.py', why=[evil], device=evil,
                            per_category={evil: 0.5}, arguments=['train', evil], versions={evil: evil})
    row = {'mode': 'train', 'epoch': 1, 'iter': 1, f'loss_{evil}': 1.0, f'loss_$\\frac{evil}': 1.0, 'lr': 0.1}
    lines = [dict(exp_name=evil, config=evil, env_info=evil), row]
    (folder / '20260701_120000.log.json').write_text('\n'.join(map(json.dumps, lines)))
    text = render([read_run(str(folder))])
    assert '<script' not in text and '<img' not in text
    assert '&lt;script&gt;' in text


def test_names_of_folders_are_printable(tmp_path, drawn):
    folder = write_training(tmp_path / 'run\x1b[31m\u202e', drawn)
    text = render([read_run(str(folder))], left_out=[f'{folder}: damaged'])
    assert '\x1b' not in text and '\u202e' not in text and text.count('run\\x1b[31m\\u202e') >= 2


def test_a_source_is_a_link_only_where_it_is_one(tmp_path, drawn):
    truth = json.loads((drawn / 'annotations' / 'instances_val2017.json').read_text())
    for image, address in zip(truth['images'], ['javascript:alert(1)', 'http://example.org/1'] * 4):
        image['flickr_url'] = address
    data = tmp_path / 'coco'
    write_json(data / 'annotations' / 'instances_val2017.json', truth)
    (data / 'val2017').symlink_to(drawn / 'val2017')
    text = render([read_run(str(write_evaluation(tmp_path / 'run', data)))])
    assert 'javascript:' not in text
    assert '<a href="http://example.org/1">' in text


@pytest.mark.parametrize('value', [float('nan'), float('inf')])
def test_a_number_that_is_none(tmp_path, drawn, value):
    folder = write_training(tmp_path / 'run', drawn, measured=value, difference=value, verdict='fail',
                            metrics=dict(AP=value), per_category=dict(person=value, cat=0.5))
    words = page_of(folder).text
    assert ('not a number' if value != value else 'infinite') in words
    assert words.index('cat 50.0') < words.index('person')


def test_losses_that_are_not_finite(tmp_path, drawn):
    folder = write_training(tmp_path / 'run', drawn, spoiled={149, 150})
    assert 'loss is not finite in 2 rows (×), first at epoch 2, iteration 2500.' in page_of(folder).text
    everything = write_training(tmp_path / 'other', drawn, spoiled=range(1200))
    assert 'loss is not finite in 1200 rows' in page_of(everything).text


@pytest.mark.parametrize('number', ['NaN', '-Infinity', '1e308', '0', '-1', '1e-320', '9' * 400])
@pytest.mark.parametrize('key', ['epoch', 'iter', 'lr', 'loss', 'bbox_mAP'])
def test_any_number_in_a_log(tmp_path, key, number):
    lines = ['{"mode": "train", "epoch": %s, "iter": %s, "lr": %s, "loss": %s, "bbox_mAP": %s}']
    lines += [lines[0].replace('train', 'val')] * 2 + ['{"mode": "train", "epoch": 1, "iter": 1, "loss": 1}']
    numbers = tuple(number if name == key else '0.5' for name in ('epoch', 'iter', 'lr', 'loss', 'bbox_mAP'))
    (tmp_path / 'run.log.json').write_text('\n'.join([line % numbers for line in lines[:3]] + lines[3:]))
    with warnings.catch_warnings():
        warnings.simplefilter('error', RuntimeWarning)
        assert 'Training curves' in page_of(tmp_path).text


def test_a_name_that_cannot_be_written(head, training):
    log = training / '20260701_120000.log.json'
    log.write_text(log.read_text().replace('sys.platform', '\\ud800 sys.platform'))
    assert head('report', training).returncode == 0


def test_a_log_of_mmdet(shared):
    text = render([read_run(str(shared / 'logs'))])
    page = Page(text)
    assert 'measured 45.60 mAP: unverified (nothing is reported for this config)' not in page.text
    assert 'mask_rcnn_vitae' in page.text and 'Why unverified: nothing is reported for this config.' in page.text
    assert 'GPU 0,1,2,3,4,5,6,7: A100-SXM4-40GB' in page.text
    assert page.text.count('not run') == 14 and 'Zero throughout' in page.text
    assert 'No results.bbox.json in the work dir' in page.text
    assert not page.loads and len(text) < 300_000


def test_a_log_of_a_row_is_judged_as_verify_does(training):
    (training / 'verdict.json').unlink()
    words = page_of(training).text
    assert 'head_r18: measured 35.60 mAP, reported 36.1, tolerance 0.35: unverified' in words
    assert 'the file does not say what was evaluated on' in words


def test_a_training_under_way_is_no_failure(training):
    (training / 'verdict.json').unlink()
    log = training / '20260701_120000.log.json'
    lines = [line for line in log.read_text().splitlines() if 'bbox_mAP' not in line]
    log.write_text('\n'.join(lines + [json.dumps(dict(mode='val', epoch=1, iter=5000, loss=1.0))]))
    words = page_of(training).text
    assert 'head_r18: unverified (' in words and 'no evaluation in it' in words and 'nothing is reported' not in words


def test_several_seeds_are_judged_together(tmp_path, drawn):
    runs = [write_training(tmp_path / f'{seed}', drawn, seed=seed) for seed in (1, 2)]
    assert 'Together, head_r18: 2 trainings, mean 35.62 mAP' in page_of(*runs).text
    assert 'Together' not in page_of(runs[0]).text


def test_only_evaluations_in_a_log(training):
    log = training / '20260701_120000.log.json'
    log.write_text(''.join(line + '\n' for line in log.read_text().splitlines() if '"val"' in line))
    words = page_of(training).text
    assert 'Box mAP in percent' in words and 'Learning rate' not in words


def test_an_unknown_alias(tmp_path, drawn):
    folder = write_evaluation(tmp_path / 'run', drawn, alias='head_r1999')
    assert 'Runs that are no row of the table head_r1999' in page_of(folder).text


def test_no_images(evaluation, tmp_path, drawn):
    (tmp_path / 'annotations').symlink_to(drawn / 'annotations')
    assert f'No pictures: {tmp_path}/val2017 has none of the images' in page_of(evaluation, data=str(tmp_path)).text


def test_no_annotations(tmp_path, drawn):
    folder = write_evaluation(tmp_path / 'run', drawn)
    verdict = json.loads((folder / 'verdict.json').read_text())
    verdict['data']['val']['ann_file'] = '/nowhere/annotations/instances_val2017.json'
    write_json(folder / 'verdict.json', verdict)
    words = page_of(folder).text
    assert 'No pictures: /nowhere/annotations/instances_val2017.json is not there' in words


def test_other_annotations_are_said(tmp_path, drawn):
    folder = write_evaluation(tmp_path / 'run', drawn)
    verdict = json.loads((folder / 'verdict.json').read_text())
    verdict['data']['val']['sha256'] = '0' * 64
    write_json(folder / 'verdict.json', verdict)
    assert 'is another file than the one the run was evaluated with' in page_of(folder).text


def test_a_broken_image_is_said(tmp_path, drawn, evaluation):
    data = tmp_path / 'coco'
    (data / 'val2017').mkdir(parents=True)
    (data / 'annotations').symlink_to(drawn / 'annotations')
    for image in (drawn / 'val2017').iterdir():
        (data / 'val2017' / image.name).write_bytes(image.read_bytes()[:100])
    words = page_of(evaluation, data=str(data)).text
    assert '000000001001.png cannot be read.' in words and 'No pictures' in words


def test_nothing_detected(evaluation):
    write_json(evaluation / 'results.bbox.json', [])
    assert 'Detected: nothing' in page_of(evaluation).text
