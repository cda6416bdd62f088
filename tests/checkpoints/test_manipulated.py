"""Checkpoints that lie about a training: continued from, or refused with one line; never anything else."""

import copy
import logging
import math

import numpy as np
import pytest
import torch
from torch import nn

from head.checkpoints import resume
from head.checkpoints.saver import Saver
from head.checkpoints.weights import load_weights, read_state_dict
from head.distributed.model_wrapper import parallel
from head.engine.interruption import Interruption
from head.engine.optimizer_step import OptimizerStepHook
from head.engine.runner import Runner
from head.errors import RequestError

STEPS = 8
"""Of an epoch of the training that `begun` is."""

LOGGER = logging.getLogger('manipulated')


def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))


def trained_a_step(kind=torch.optim.SGD, **options):
    """A model and its optimizer after a step."""
    one = model()
    optimizer = kind(one.parameters(), 0.01, **(options or dict(momentum=0.9, weight_decay=1e-4)))
    step(one, optimizer)
    return one, optimizer


def step(one, optimizer):
    optimizer.zero_grad()
    one(torch.ones(2, 3, 8, 8)).sum().backward()
    optimizer.step()


@pytest.fixture(scope='module')
def real_meta(begun):
    """The meta of a checkpoint that a real training has left."""
    return torch.load(str(begun / 'epoch_1.pth'))['meta']


@pytest.fixture
def content(real_meta):
    """A checkpoint: the real one's meta, with weights and optimizer of a small model."""
    one, optimizer = trained_a_step()
    return dict(meta=copy.deepcopy(real_meta), state_dict=one.state_dict(), optimizer=optimizer.state_dict())


@pytest.fixture
def resumed(tmp_path, real_meta):
    """Continue from what is given: read, restore, and a step. Returns the runner."""

    def run(content, kind=torch.optim.SGD, **options):
        path = str(tmp_path / 'x.pth')
        torch.save(content, path)
        one, optimizer = trained_a_step(kind, **options)
        runner = Runner(
            parallel(one, 'cpu'), optimizer=optimizer, work_dir=str(tmp_path), logger=LOGGER, max_epochs=12, seed=1,
            interruption=Interruption(), meta=dict(exp_name=real_meta['exp_name'], run=real_meta['run']))
        runner.saver = Saver(1)
        point = resume.read(path)
        assert isinstance(point.doubts, list)
        resume.seed_of_run(point, None)
        resume.restore_run(runner, point, STEPS, LOGGER)
        OptimizerStepHook().before_run(runner)
        runner.log_buffer.update(dict(loss=1.0), 2)
        for name, (values, counts) in runner.history.items():
            runner.log_buffer.val_history[name], runner.log_buffer.n_history[name] = values, counts
        runner.log_buffer.average(50)
        assert all(map(math.isfinite, runner.log_buffer.output.values()))
        step(one, optimizer)
        assert all(torch.isfinite(parameter).all() for parameter in one.parameters())
        assert math.isfinite(runner.seconds)
        return runner

    return run


def test_as_it_was(resumed, content):
    content['meta'].update(hook_msgs=dict(best_score=0.3, best_epoch=1))
    runner = resumed(content)
    assert (runner.epoch, runner.iter) == (0, 8) and runner.meta['hook_msgs'] == content['meta']['hook_msgs']
    assert set(runner.history) == set(content['meta']['history'])


# what can be written in place of a value
def nested(value, depth=200):
    for _ in range(depth):
        value = [value]
    return value


WRONG = [
    None, True, -1, 0, 1, -(10**9), 10**9, 2**62, 2**100, 0.5, -0.5, float('nan'), float('inf'), -1e308, 1e308, '', 'x',
    '\x1b[2J\n\x07', 'é\u202e', 'y' * 1_000_000, '../../x', b'\x00', [], [1], [None], ['a'], [[1], [2]], (1, 2),
    (0, 8), {}, {'a': 1}, {1: 2}, {'a': {'b': []}}, {'\x1b[2J' * 1000: 1}, nested(1), nested({}, 50), set(),
    torch.zeros(2), torch.zeros(()), torch.full((4, ), float('nan')), torch.zeros(4, dtype=torch.long),
    torch.zeros(1, requires_grad=True), np.float64('nan'), np.int64(-5), np.zeros(3), torch.Size([1])]


def places(node):
    """(container, key) of everything in dicts and lists."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield node, key
        yield from places(value)


def manipulate(content, chance):
    """Change one place or two: by another value, by dropping it, by negating, by doubling, by a key more."""
    for _ in range(chance.choice([1, 1, 1, 2])):
        part = chance.choice(['meta', 'meta', 'optimizer', 'optimizer', 'state_dict', None])
        node, key = chance.choice(list(places(content[part] if part in content and isinstance(
            content[part], (dict, list)) else content)) or [(content, 'meta')])
        how = chance.choice(['other', 'other', 'other', 'drop', 'negate', 'more'])
        if how == 'drop' or key not in (node if isinstance(node, dict) else range(len(node))):
            node.pop(key, None) if isinstance(node, dict) else node.clear()
        elif how == 'negate' and isinstance(node[key], (int, float, torch.Tensor)):
            node[key] = -node[key]
        elif how == 'more' and isinstance(node, dict):
            node[chance.choice(['x', '\x1b[2J', 'y' * 100_000, 7, -3, None, 2.5])] = chance.choice(WRONG)
        else:
            node[key] = chance.choice(WRONG)


def told(error):
    line = str(error)
    assert line.isprintable() and len(line) < 1500, line[:3000]
    return line


def test_every_manipulation_is_continued_from_or_refused_in_one_line(resumed, content, chance, fuzz):
    refused = 0
    while fuzz.left():
        one = copy.deepcopy(content)
        manipulate(one, chance)
        try:
            resumed(one)
        except RequestError as error:
            told(error)
            refused += 1
    assert 5 * refused >= fuzz.tried or fuzz.tried < 20, (refused, fuzz.tried)


def test_every_place_of_the_meta_with_every_value(resumed, content, chance):
    """Of the keys that are read; a part of the values each time."""
    for name in ('epoch', 'iter', 'place', 'seed', 'run', 'doubts', 'history', 'logs', 'seconds', 'hook_msgs', 'fp16'):
        for wrong in chance.sample(WRONG, 8):
            try:
                resumed(dict(content, meta=dict(content['meta'], **{name: wrong})))
            except RequestError as error:
                told(error)


def meta(**changes):
    return lambda content: content['meta'].update(changes)


def history(values, counts):
    return meta(history=dict(loss=[values, counts]))


def group(**changes):
    return lambda content: content['optimizer']['param_groups'][0].update(changes)


def momentum(value):
    return lambda content: content['optimizer']['state'][0].update(momentum_buffer=value)


@pytest.mark.parametrize('change, line', [
    (meta(iter=-8), 'its meta is damaged or of another program (Expected `int` >= 0 - at `$.iter`)'),
    (meta(epoch='1'), 'Expected `int`, got `str` - at `$.epoch`'),
    (meta(place=[0, 8, 1]), 'length 2'),
    (meta(place=[10**13, 0]), '$.place'),
    (meta(seconds=float('nan')), '$.seconds'),
    (meta(seed=-5), 'Expected `int` >= 0 - at `$.seed`'),
    (meta(seed=2**70), 'Expected `int` <= 4294967295 - at `$.seed`'),
    (meta(run=dict(seed=2**70)), '$.run'),
    (meta(doubts=['x'] * 101), '$.doubts'),
    (meta(doubts=['x' * 10**6]), '$.doubts'),
    (meta(logs={'../x': 3}), '../x is no name of a log'),
    (meta(logs={'a.log': -3}), '$.logs'),
    (history([1.0], [2, 2]), '1 values of loss, but the images of 2'),
    (history([float('nan')], [2]), '$.history'),
    (history([1.0], [0]), '$.history'),
    (meta(hook_msgs=dict(best_score='x', best_epoch=1)), '$.hook_msgs.best_score'),
    (meta(fp16=dict(loss_scaler=dict(scale=-1.0))), '$.fp16.loss_scaler'),
    (meta(exp_name='\x1b[2J' * 10), 'a run of \\x1b[2J'),
    (meta(exp_name='y' * 10**6), '$.exp_name'),
    (meta(run=dict(seed=3)), 'of another run, '),
    (meta(run={'y' * 999: '\x1b[2J'}), 'of another run, '),
    (group(lr=float('nan')), 'a hyperparameter that is none'),
    (group(lr=-0.1), 'a hyperparameter that is none'),
    (group(momentum=0.5), 'begun with momentum 0.5, this run asks for momentum 0.9'),
    (group(nesterov=True), 'begun with nesterov True'),
    (group(params=[0, 1, 2, 2]), 'one parameter twice'),
    (group(params=['a', 'b', 'c', 'd']), 'without numbers of parameters'),
    (group(params=[0]), '1 parameters in a group, not 4'),
    (momentum(torch.zeros(3)), 'momentum_buffer is not of the parameter\'s shape'),
    (momentum(torch.zeros(())), 'momentum_buffer is not of the parameter\'s shape'),
    (momentum(torch.full((4, 3, 3, 3), float('inf'))), 'momentum_buffer has NaN or infinity in it'),
    (momentum(torch.zeros(4, 3, 3, 3).long()), 'momentum_buffer is not of the parameter\'s shape and kind'),
    (momentum(1.0), 'momentum_buffer is not of the parameter\'s shape'),
    (lambda content: content['optimizer']['state'][0].clear(), None),
    (lambda content: content['optimizer']['state'][0].update(more=1), 'a state without momentum_buffer, or with more'),
    (lambda content: content['optimizer']['state'].update({99: {}}), 'the state of a parameter that there is not'),
    (lambda content: content.pop('state_dict'), 'it holds no weights'),
    (lambda content: content['meta'].pop('doubts'), None),
    (meta(hook_msgs=dict(best_score=0.3)), None),  # mmdet's
    (meta(fp16=dict(loss_scaler={})), None),
    (meta(seed=np.int64(3407)), None),
])
def test_what_is_said(resumed, content, change, line):
    change(content)
    if line is None:
        resumed(content)
    else:
        with pytest.raises(RequestError) as caught:
            resumed(content)
        assert line in told(caught.value)


@pytest.mark.parametrize('kind, options', [
    (torch.optim.SGD, dict(momentum=0.0)), (torch.optim.Adam, dict(amsgrad=True)), (torch.optim.AdamW, dict()),
    (torch.optim.RMSprop, dict(centered=True, momentum=0.1)), (torch.optim.Adagrad, dict(lr_decay=0.1))])
def test_other_optimizers(resumed, content, kind, options):
    options = options or dict(weight_decay=0.1)
    content['optimizer'] = trained_a_step(kind, **options)[1].state_dict()
    resumed(content, kind, **options)
    if kind is torch.optim.Adam:
        del content['optimizer']['state'][0]['exp_avg']
        with pytest.raises(RequestError, match='a state without'):
            resumed(content, kind, **options)


# weights


def saved(path, state):
    torch.save(dict(state_dict=state), str(path))
    return str(path)


@pytest.fixture
def loaded(tmp_path):
    """Read and load weights; returns the model and what was said."""

    def run(state):
        one, said = model(), []
        path = saved(tmp_path / 'x.pth', state)
        load_weights(one, read_state_dict(path, said.append), path, 'head_r18', said.append)
        return one, said

    return run


def test_averages_beside_the_weights_are_left_out_and_it_is_said(loaded):
    state = model().state_dict()
    averages = {f'ema_{name.replace(".", "_")}': value + 1 for name, value in state.items()}
    one, said = loaded({**state, **averages})
    assert torch.equal(one.state_dict()['0.weight'], state['0.weight'])
    line, = said
    assert 'its 7 averages of weights (ema_…) are left out, the weights themselves are taken' in line


@pytest.mark.parametrize('value', [float('nan'), float('inf'), 1e300])
@pytest.mark.parametrize('everywhere', [True, False])
def test_weights_that_are_no_numbers(loaded, value, everywhere):
    state = {name: one.double() if one.is_floating_point() else one for name, one in model().state_dict().items()}
    for name in list(state) if everywhere else ['0.bias']:
        if state[name].is_floating_point():
            state[name].view(-1)[-1] = value
    with pytest.raises(RequestError, match=f'{6 if everywhere else 1} of its 7 weights are no numbers') as caught:
        loaded(state)
    assert '0.bias' in told(caught.value)


@pytest.mark.parametrize('kind', [torch.half, torch.bfloat16, torch.double])
def test_weights_of_another_precision(loaded, kind):
    state = {name: one.to(kind) if one.is_floating_point() else one for name, one in model().state_dict().items()}
    one, said = loaded(state)
    assert one.state_dict()['0.weight'].dtype == torch.float32 and not said
    assert torch.equal(one.state_dict()['0.weight'], state['0.weight'].float())


@pytest.mark.parametrize('name, kind', [('0.weight', torch.long), ('0.weight', torch.bool), ('0.weight', torch.cfloat),
                                        ('1.num_batches_tracked', torch.float)])
def test_weights_of_another_kind(loaded, name, kind):
    state = model().state_dict()
    state[name] = state[name].to(kind)
    with pytest.raises(RequestError, match=f'whole numbers for fractions or the reverse: {name}'):
        loaded(state)


@pytest.mark.parametrize('entry', [3, 'x', None, [torch.zeros(1)], {'a': torch.zeros(1)}])
def test_one_entry_that_is_no_tensor(loaded, entry):
    with pytest.raises(RequestError, match=r'its state_dict has a \w+ at odd\\x1b, where a tensor belongs'):
        loaded({**model().state_dict(), 'odd\x1b': entry})


@pytest.mark.parametrize('reverse', [False, True])
def test_one_name_with_and_without_a_prefix(loaded, reverse):
    state = model().state_dict()
    twice = [*state.items(), ('module.0.weight', state['0.weight'] + 1)]
    with pytest.raises(RequestError, match=r'has two of 0\.weight, one as module\.0\.weight'):
        loaded(dict(reversed(twice) if reverse else twice))


def test_names_are_cut(loaded):
    with pytest.raises(RequestError, match='unexpected: \\\\x1b') as caught:
        loaded({**model().state_dict(), '\x1b' * 10**6: torch.zeros(1)})
    told(caught.value)
