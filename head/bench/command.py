"""The command `bench`: speeds of what is not the GPU, as ratios within one run."""

import contextlib
import os
import subprocess
import sys
import tempfile
from statistics import median

from ..data import embedded
from ..engine.run_facts import run_facts
from ..errors import DONE
from ..whole_file import write_json
from . import full_size, iterations, pipeline

ROUNDS = 3


def training_set(folder):
    """Seconds of building the training set with annotations of full size: stock, ours at first, ours again."""
    ann_file = os.path.join(folder, 'annotations', 'instances_train2017.json')
    os.makedirs(os.path.dirname(ann_file))
    full_size.write(ann_file)
    cache = dict(os.environ, HEAD_CACHE=os.path.join(folder, 'cache'))

    def seconds(whose):
        done = subprocess.run([sys.executable, '-m', 'head.bench.training_set', whose, ann_file], env=cache, check=True,
                              capture_output=True, text=True)
        return float(done.stdout.split()[-1])

    first = seconds('ours')
    pairs = [(seconds('stock'), seconds('ours')) for _ in range(ROUNDS)]
    return dict(stock=median(a for a, _ in pairs), first=first, again=median(b for _, b in pairs),
                ratio_first=first / median(a for a, _ in pairs), ratio_again=median(b / a for a, b in pairs))


def measure(data):
    """All figures; `data` is a COCO folder, or None for the embedded set."""
    with contextlib.ExitStack() as stack:
        place = stack.enter_context(tempfile.TemporaryDirectory())
        if data is None:
            data = os.path.join(place, 'embedded')
            embedded.draw(data, num_train=32)
        print('[1/3] building the training set', file=sys.stderr, flush=True)
        building = training_set(os.path.join(place, 'full'))
        print('[2/3] loading images', file=sys.stderr, flush=True)
        stock, ours = pipeline.seconds_an_image(data, ROUNDS)
        print('[3/3] iterations', file=sys.stderr, flush=True)
        steps = iterations.measure(data, place, 8)
    alone = steps['alone']['iteration']
    return dict(
        training_set=building,
        pipeline=dict(stock=1 / median(stock), ours=1 / median(ours),
                      ratio=median(b / a for a, b in zip(ours, stock))),
        iterations=dict(steps, ratio_two_processes=steps['two_processes']['iteration'] / alone,
                        ratio_checkpoint_each=steps['checkpoint_each']['iteration'] / alone))


def lines(found):
    """The table, in Markdown."""
    building, loading, steps = found['training_set'], found['pipeline'], found['iterations']
    yield '| what | stock mmdet, or alone | here | ratio |'
    yield '| --- | --- | --- | --- |'
    for name, key in (('first start', 'first'), ('later start', 'again')):
        yield (f'| training set and sampler, 118287 images, 860001 boxes, {name} | {building["stock"]:.1f} s | '
               f'{building[key]:.2f} s | {building[f"ratio_{key}"]:.3f} |')
    yield (f'| loading and augmenting, images a second and core | {loading["stock"]:.1f} | {loading["ours"]:.1f} | '
           f'{loading["ratio"]:.2f} |')
    for name, key in (('of each of two processes', 'two_processes'), ('with a checkpoint of head_r18',
                                                                    'checkpoint_each')):
        yield (f'| iteration {name}, one thread each | {steps["alone"]["iteration"]:.2f} s | '
               f'{steps[key]["iteration"]:.2f} s | {steps[f"ratio_{key}"]:.2f} |')


def run(request):
    """The command `bench`; returns its exit status."""
    found = measure(request.get('data'))
    print('\n'.join(lines(found)))
    if request.get('json'):
        write_json(request.get('json'), dict(found, **run_facts('cpu')))
    return DONE
