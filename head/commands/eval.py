"""`eval`: a checkpoint on a COCO folder, against what is reported."""

import os
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, List, Optional

from mmcv import Config

from .. import catalog
from ..catalog.rows import Model
from ..checkpoints.weights import load_weights, read_state_dict
from ..coco.folder import Split, check_split
from ..distributed import launcher, processes
from ..engine import configuration
from ..engine.device import choose_device
from ..engine.inference import build_for_inference, detect, score
from ..engine.loaders import build_test_loader
from ..engine.run_facts import run_facts
from ..engine.shared_memory import lacking
from ..errors import DONE, FELL_SHORT, HeadError, LostPeer, RequestError
from ..fast.mixed_precision import autocast_model, check_amp, not_float32
from ..fetch import released
from ..judging.verdict import EXIT_STATUS, FAIL, NOT_VAL2017, judge, sentence
from ..results.run import VERDICT
from ..results.verdict_file import RELEASED, Weights
from ..results.work_dir import open_work_dir
from ..support.atomic_write import write_json
from ..support.file_hash import file_hash
from ..support.for_each import raise_together

if TYPE_CHECKING:
    from ..cli import Request


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


@dataclass
class Plan:
    """A request that was found to be right, the same on all processes.

    Attributes:
        cfg: ready to run.
        config: path of its file.
        row: of the catalog, or None.
        split: the data.
        weights: what is evaluated, with `state`, their names and tensors.
        tolerance: that holds for them.
        work_dir: open.
    """

    cfg: Config
    config: Path
    row: Optional[Model]
    split: Split
    weights: Weights
    state: dict
    tolerance: Optional[float]
    work_dir: str


def make_plan(request):
    """Check a request; fetches the released weights where no others are named.

    Raises:
        RequestError, EnvironmentFault: what is wrong with it.
    """
    path, row = catalog.find_config(request.require('config'))
    cfg = configuration.load_config(path)
    configuration.apply_overrides(cfg, request.overrides)
    configuration.point_at_data(cfg, request.get('data', 'data/coco'))
    short = lacking(cfg.data.workers_per_gpu * launcher.processes_here(request), images_a_batch=1)
    if short:
        print(f'{short}: images are loaded without workers, which is slower')
        cfg.data.workers_per_gpu = 0
    split = check_split(cfg.data.test.ann_file, cfg.data.test.img_prefix)
    weights, tolerance = find_checkpoint(request, row)
    state = read_state_dict(weights.path)
    load_weights(build_for_inference(cfg), state, weights.path, path.name)
    work_dir = open_work_dir(request.get('work_dir') or os.path.join('work_dirs', path.stem, 'eval'), 'eval')
    print(f'evaluating {weights.path} on {split.images} images of {split.ann_file}', flush=True)
    return Plan(cfg, path, row, split, weights, state, tolerance, work_dir)


def evaluate(request, device):
    """Evaluate one row; writes its `verdict.json` and says what came out.

    Args:
        request (Request): the command's.
        device (str): ``'cuda'`` or ``'cpu'``.

    Returns:
        (str, str): the verdict, and its sentence; the same on all processes.
    """
    plan, amp = processes.on_first(make_plan, request), request.get('amp')
    model = build_for_inference(plan.cfg)
    load_weights(model, plan.state, plan.weights.path, plan.config.name)
    loader = processes.together(build_test_loader, plan.cfg, 'test')
    start = time.time()
    autocast_model(model, amp, device)
    scores = score(loader.dataset, detect(model, loader, device), plan.work_dir)
    return processes.on_first(lambda: _conclude(request, plan, scores, time.time() - start, device))


def _conclude(request, plan, scores, seconds, device):
    """Judge, write, and say it."""
    row, split, weights, amp = plan.row, plan.split, plan.weights, request.get('amp')
    doubts = configuration.doubts(request.overrides)
    if amp:
        doubts.append(not_float32(amp))
    if not split.is_val2017:
        doubts.append(NOT_VAL2017)
    result, facts = judge(scores.percent, row and row.reported, plan.tolerance, doubts), run_facts(device)
    target = os.path.join(plan.work_dir, VERDICT)
    write_json(
        target,
        dict(
            command='eval',
            alias=row and row.alias,
            config=str(plan.config),
            config_sha256=file_hash(plan.config),
            checkpoint=weights.as_dict(),
            data=dict(val=split.as_dict()),
            amp=amp,
            processes=processes.world_size(),
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
    line = sentence(row.alias if row else plan.config.stem, result)
    print(f'{line}\nwritten: {target}', flush=True)
    return result['verdict'], line


def _standing(weights):
    if weights.part != RELEASED:
        return 'not the released one'
    return 'the released one' if weights.confirmed else 'as the released one, unconfirmed: no lock has its hash'


def evaluate_all(request, device):
    """Every released checkpoint; returns the exit status."""
    found, errors = [], []
    for row in released.released_rows():
        keys = dict(request.keys, config=row.alias)
        if 'work_dir' in keys:
            keys['work_dir'] = os.path.join(keys['work_dir'], row.alias)
        try:
            found.append(evaluate(replace(request, keys=keys), device))
        except LostPeer:
            raise
        except HeadError as error:
            errors.append(error)
    if processes.is_first():
        print('\n'.join(line for _, line in found), flush=True)
    raise_together(errors)
    return FELL_SHORT if FAIL in [verdict for verdict, _ in found] else DONE


def run(request: 'Request') -> int:
    """The command `eval`; returns its exit status."""
    if launcher.wanted(request):
        if 'config' in request.keys:
            catalog.find_config(request.get('config'))
        choose_device(request, lambda line: None)
        return launcher.launch(request)
    said: List[str] = []
    device = choose_device(request, said.append)
    check_amp(request.get('amp'), device)
    with processes.joined(device):
        if processes.is_first():
            print('\n'.join(said))
        if not {'config', 'checkpoint'} & set(request.keys):
            return evaluate_all(request, device)
        status = EXIT_STATUS[evaluate(request, device)[0]]
        return status if processes.is_first() else DONE
