"""Random requests over every key of every shipped config: a documented status, one line, nothing written.

Each is planned as `train` and `eval` plan it, up to the trial of the config; nothing is trained. There are
five hundred, and as many more as `--fuzz-seconds` leaves time for.
"""

import copy
import functools
import shutil

import pytest
from mmcv import Config

from head import catalog
from head.cli import one_line
from head.commands import train
from head.engine import configuration
from head.engine.configuration import load_config
from head.engine.run_facts import run_facts
from head.errors import BAD_REQUEST, CANNOT, DONE, HeadError
from head.request import literal

from .planning import plan, refusal

LONGEST = 1000
"""Characters of a refusal beside what the request gave: one message of mmdet, which is cut, and what to do."""

TYPED = [
    '0', '-1', '1', '3', '255', '1000000000', '9223372036854775807', '-9223372036854775809', '1' + '0' * 400, '0.0',
    '-0.5', '1e-320', '1e300', '1e999', 'nan', 'inf', 'True', 'false', 'None', '', ' ', 'x', "o'clock", '"', '\\',
    '\\n', 'a\nb', '\x1b[31m', '\u202e', '\udcff', '²', '１', '1_000', '0x10', '[]', '()', '{}', '[0]', '[-1]',
    '[1,2,3]', '["a"]', '[None]', '[[]]', '[{}]', '[{"type":"X"}]', '(0,0)', '(-1,5)', '(1e999,1)', '((1,),)',
    '[(8,8),(9,9)]', '{"type":"X"}', '{"type":None}', '{1:2}', '{None:1}', '{"a":{"b":[1,{"c":()}]}}', '{1,2}', 'b"x"',
    '1j', '...', '[' * 200, '[' * 40 + ']' * 40, 'Pretrained', 'ResNet', 'FPN', 'Adam', 'MSELoss', '../../x',
    '/dev/null', 'a' * 5000]
"""Values as they are typed; what is large is beyond any machine, so that it is refused and not computed."""

WRITTEN = [
    'None', 'True', '0', '-1', '3', '10**9', '2**70', '0.5', '-1e300', '1e999', '1e999 - 1e999', '""', '"x"',
    '"o\'clock\\n"', '[]', '()', '{}', '[0]', '[None]', '["a"]', '[{}]', '{"type": "X"}', '{1: 2}', '{(1, 2): 3}',
    '{"type": "Adam"}', 'b"x"', '{1}', '1j', 'range(3)', 'len']
"""Values of config files."""


def keys_of(node, above=''):
    """Every dotted key below a config's node."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node):
        yield f'{above}{key}'
        if isinstance(value, (dict, list)):
            yield from keys_of(value, f'{above}{key}.')


@functools.lru_cache(maxsize=None)
def config(alias):
    """A row's config as a plain dict, and its dotted keys."""
    found = load_config(catalog.find_config(alias)[0])._cfg_dict.to_dict()
    return found, list(keys_of(found))


def steps_to(dotted):
    return [int(step) if step.isdigit() else step for step in dotted.split('.')]


def value_at(node, dotted):
    for step in steps_to(dotted):
        node = node[step]
    return node


def overrides(chance, alias):
    """One or two overrides, most of them with values of the right type."""
    found, dotted = config(alias)
    words = []
    for key in chance.choices([key for key in dotted if '.' in key], k=chance.choice([1, 1, 2])):
        kind = type(value_at(found, key))
        same = [text for text in TYPED if isinstance(literal(text), kind)]
        words.append(f'{key}={chance.choice(same if same and chance.random() < 0.8 else TYPED)}')
    return words


def changed_file(chance, alias, path):
    """Write a config in which something is missing, of another kind, or another key's value; returns the change."""
    found, dotted = config(alias)

    def place(key):
        return 'changed' + ''.join(f'[{step!r}]' for step in steps_to(key))

    here, there = map(place, chance.sample(dotted, 2))
    change = chance.choice([f'del {here}', f'{here} = {chance.choice(WRITTEN)}', f'{here} = {chance.choice(WRITTEN)}',
                            f'{here} = copy.deepcopy({there})', f'{here} = [{here}]'])
    path.write_text(f'import copy\nchanged = {found!r}\n{change}\nglobals().update(changed)\ndel changed, copy\n')
    return change


@pytest.fixture
def check(drawn, tmp_path, monkeypatch):
    """Plan a request and look at what comes of it."""
    monkeypatch.setattr(configuration, 'config_text', lambda _: '')  # which takes a second

    def planned(*words):
        status, line = refusal([*words, f'data={drawn}', f'work_dir={tmp_path}/work'])
        assert status in (DONE, BAD_REQUEST, CANNOT), words
        if status:
            assert line and '\n' not in line, words
            own = one_line(HeadError(line))
            for word in words:
                own = own.replace(word.partition('=')[2] or word, '')
            assert len(own) < LONGEST, (words, line)
            assert not (tmp_path / 'work').exists(), words
        shutil.rmtree(tmp_path / 'work', ignore_errors=True)

    return planned


TRAIN, EVAL = ('train', 'pretrained=none'), ('eval', 'checkpoint=none.pth')
"""An evaluation ends with 2 in any case: its config is tried before the checkpoint is looked for."""


def test_overrides(check, chance, fuzz, monkeypatch):
    monkeypatch.setattr(configuration, 'load_config',  # reads ten files, always the same
                        lambda path: Config(copy.deepcopy(config(alias)[0]), filename=str(path)))
    tried = 0
    while tried < 350 or fuzz.left():
        alias, tried = chance.choice(list(catalog.models())), tried + 1
        check(*chance.choice([TRAIN, TRAIN, EVAL]), f'config={alias}', *overrides(chance, alias))


def test_config_files(check, chance, fuzz, tmp_path):
    tried = 0
    while tried < 150 or fuzz.left():
        alias, tried = chance.choice(list(catalog.models())), tried + 1
        changed_file(chance, alias, tmp_path / 'changed.py')
        check(*chance.choice([TRAIN, TRAIN, EVAL]), f'config={tmp_path}/changed.py')


@pytest.mark.slow
def test_what_is_accepted_trains(drawn, chance, tmp_path, monkeypatch):
    """A step, of some: the trial lets nothing through that the training stumbles over."""
    monkeypatch.setattr(configuration, 'config_text', lambda _: '')
    trained = 0
    while trained < 5:
        alias = chance.choice(['retinanet_r18', 'head_r18', 'tf_head_r18', 'faster_rcnn_r18'])
        words = [word for word in overrides(chance, alias) if not word.startswith(('data.test', 'test_pipeline'))]
        words = ['train', 'pretrained=none', f'config={alias}', f'data={drawn}', 'iters=1', *words,
                 f'work_dir={tmp_path}/{trained}', 'data.train.pipeline.2.img_scale=[(160,96),(160,128)]']
        if len(words) > 7 and refusal(words)[0] == DONE:
            shutil.rmtree(tmp_path / str(trained))
            assert train.carry_out(plan(words), run_facts('cpu')) == DONE, words
            trained += 1
