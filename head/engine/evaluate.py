"""`eval`: a checkpoint on a COCO folder, against what is reported."""

import os
import time
from dataclasses import replace

from .. import catalog
from ..data.coco_folder import check_split
from ..errors import DONE, FELL_SHORT, HeadError, RequestError
from ..fetch import released
from ..fetch.parallel import raise_together
from ..file_hash import file_hash
from ..results.run import VERDICT
from ..results.verdict_file import RELEASED, Weights
from ..verdict import EXIT_STATUS, FAIL, NOT_VAL2017, judge, sentence
from ..whole_file import write_json
from ..work_dir import open_work_dir
from . import configuration
from .device import choose_device, parallel
from .inference import build_for_inference, build_test_loader, detect, score
from .mixed_precision import autocast_model, check_amp, not_float32
from .run_facts import run_facts
from .shared_memory import lacking
from .weights import load_checkpoint


def find_checkpoint(request, row):
    """The weights to evaluate: those of `checkpoint=`, or the released ones, fetched.

    Returns:
        (Weights, float): with the tolerance that holds for them, that of a training where they are not the released.

    Raises:
        RequestError: no such file; or none is asked for and none is released.
        EnvironmentFault: the released ones cannot be fetched.
    """
    path = request.get('checkpoint')
    if path is None:
        if row is None:
            raise RequestError(f'config={request.get("config")}: nothing is released for it; name the weights: '
                               'checkpoint=FILE')
        found = released.checkpoint(row)
        return Weights(RELEASED, found.path, found.sha256, found.confirmed), row.eval_tolerance
    if not os.path.isfile(path):
        raise RequestError(f'{path}: no such file')
    sha256 = file_hash(path)
    confirmed = released.standing(row, sha256) if row else None
    if confirmed is not None:
        return Weights(RELEASED, path, sha256, confirmed), row.eval_tolerance
    return Weights('checkpoint', path, sha256, False), row.train_tolerance if row else None


def evaluate(request):
    """Evaluate one row; writes its `verdict.json` and says what came out.

    Returns:
        (str, str): the verdict, and its sentence.
    """
    path, row = catalog.find_config(request.require('config'))
    cfg = configuration.load_config(path)
    configuration.apply_overrides(cfg, request.overrides)
    configuration.point_at_data(cfg, request.get('data', 'data/coco'))
    device, amp = choose_device(request, print), request.get('amp')
    check_amp(amp, device)
    short = lacking(cfg.data.workers_per_gpu, images_a_batch=1)
    if short:
        print(f'{short}: images are loaded without workers, which is slower')
        cfg.data.workers_per_gpu = 0
    split = check_split(cfg.data.test.ann_file, cfg.data.test.img_prefix)
    weights, tolerance = find_checkpoint(request, row)
    model = build_for_inference(cfg)
    load_checkpoint(model, weights.path, path.name)
    work_dir = open_work_dir(request.get('work_dir') or os.path.join('work_dirs', path.stem, 'eval'), 'eval')

    loader = build_test_loader(cfg, 'test')
    print(f'evaluating {weights.path} on {split.images} images of {split.ann_file}', flush=True)
    start = time.time()
    model = parallel(autocast_model(model, amp, device), device)
    scores = score(loader.dataset, detect(model, loader), work_dir)
    seconds = time.time() - start

    doubts = configuration.doubts(request.overrides)
    if amp:
        doubts.append(not_float32(amp))
    if not split.is_val2017:
        doubts.append(NOT_VAL2017)
    result, facts = judge(scores.percent, row and row.reported, tolerance, doubts), run_facts(device)
    target = os.path.join(work_dir, VERDICT)
    write_json(
        target,
        dict(
            command='eval',
            alias=row and row.alias,
            config=str(path),
            config_sha256=file_hash(path),
            checkpoint=weights.as_dict(),
            data=dict(val=split.as_dict()),
            amp=amp,
            metrics=scores.metrics,
            per_category=scores.per_category,
            **result,
            seconds=seconds,
            images_per_second=split.images / seconds,
            **facts))
    for name, value in scores.metrics.items():
        print(f'  {name:6}{value * 100:7.2f}' if value >= 0 else f'  {name:6}      –')
    print(f'  data        {split.ann_file}, sha256 {split.sha256[:16]}')
    print(f'  checkpoint  {weights.path}, sha256 {weights.sha256[:16]} ({_standing(weights)})')
    print(f'  stack       {facts["stack"]}, lock {(facts["lock"] or "unknown")[:16]}, {facts["device"]}')
    line = sentence(row.alias if row else path.stem, result)
    print(f'{line}\nwritten: {target}')
    return result['verdict'], line


def _standing(weights):
    if weights.part != RELEASED:
        return 'not the released one'
    return 'the released one' if weights.confirmed else 'as the released one, unconfirmed: no lock has its hash'


def evaluate_all(request):
    """Every released checkpoint; returns the exit status."""
    found, errors = [], []
    for row in released.released_rows():
        keys = dict(request.keys, config=row.alias)
        if 'work_dir' in keys:
            keys['work_dir'] = os.path.join(keys['work_dir'], row.alias)
        try:
            found.append(evaluate(replace(request, keys=keys)))
        except HeadError as error:
            errors.append(error)
    print('\n'.join(line for _, line in found))
    raise_together(errors)
    return FELL_SHORT if FAIL in [verdict for verdict, _ in found] else DONE


def run(request):
    """The command `eval`; returns its exit status."""
    if not {'config', 'checkpoint'} & set(request.keys):
        return evaluate_all(request)
    return EXIT_STATUS[evaluate(request)[0]]
