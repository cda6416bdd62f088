"""`eval`: a checkpoint on a COCO folder, against what is reported."""

import contextlib
import os
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from mmcv import Config

from .. import catalog
from ..catalog.rows import Model
from ..checkpoints.weights import load_weights, read_state_dict
from ..coco.folder import Split, check_split
from ..distributed import launcher, processes
from ..distributed.layout import Layout
from ..distributed.worker import is_worker
from ..engine import configuration, locked_packages
from ..engine.chosen_weights import find_checkpoint
from ..engine.config_values import Inference, check_values
from ..engine.device import choose_device
from ..engine.float32 import choose_tf32, not_float32
from ..engine.inference import build_for_inference, detect, score
from ..engine.known_failures import MORE_MEMORY, known_failures
from ..engine.loaders import build_test_loader
from ..engine.run_facts import changed_code, run_facts
from ..engine.shared_memory import lacking
from ..engine.trial import try_inference
from ..errors import DONE, FELL_SHORT, HeadError, LostPeer
from ..fast.fast_forms import use_fast_forms
from ..fast.mixed_precision import autocast_model, check_amp
from ..fetch import released
from ..judging.verdict import EXIT_STATUS, FAIL, NOT_VAL2017, judge, sentence
from ..request import PROCESSES, Request
from ..results.verdict_file import RELEASED, Data, EvalVerdict, Weights, write_verdict
from ..results.work_dir import open_work_dir
from ..results.work_dir_lock import held_work_dir
from ..support.file_hash import file_hash
from ..support.folders import WORK_DIRS
from ..support.for_each import raise_together
from ..support.note import note


@dataclass(frozen=True)
class EvalPlan:
    """A request that was found to be right, the same on all processes; nothing after it looks at the request again.

    Attributes:
        cfg: ready to run.
        config: path of its file.
        row: of the catalog, or None.
        split: the data.
        weights: what is evaluated, with `state`, their names and tensors.
        tolerance: that holds for them.
        doubts: why its number cannot confirm the paper.
        work_dir: open.
        device: ``'cuda'`` or ``'cpu'``.
        amp: see `autocast_model`.
        fast: see `use_fast_forms`.
    """

    cfg: Config
    config: Path
    row: Optional[Model]
    split: Split
    weights: Weights
    state: Dict[str, Any]
    tolerance: Optional[float]
    doubts: List[str]
    work_dir: str
    device: str
    amp: Optional[str]
    fast: bool


def work_dir_of(request: Request) -> str:
    """The folder of the evaluation's results."""
    path, _ = catalog.find_config(request.require('config'))
    return request.get('work_dir') or os.path.join(WORK_DIRS, path.stem, 'eval')


def make_plan(request: Request, layout: Layout, device: str) -> EvalPlan:
    """Check a request; fetches the released weights where no others are named.

    Raises:
        RequestError, EnvironmentFault: what is wrong with it.
    """
    path, row = catalog.find_config(request.require('config'))
    cfg = configuration.load_config(path)
    configuration.apply_overrides(cfg, request.overrides, Inference)
    check_values(cfg, Inference)
    configuration.set_data_root(cfg, request.value('data'), 'data' in request.keys)
    short = lacking(cfg.data.workers_per_gpu * layout.processes_here, images_a_batch=1)
    if short:
        print(f'{short}: images are loaded without workers, which is slower')
        cfg.data.workers_per_gpu = 0
    split, amp = check_split(cfg.data.test.ann_file, cfg.data.test.img_prefix), request.get('amp')
    try_inference(cfg, device, request.overrides)
    weights, tolerance = find_checkpoint(request.get('config'), request.get('checkpoint'), row,
                                         request.value('pretrained'))
    state = read_state_dict(weights.path)
    load_weights(build_for_inference(cfg), state, weights.path, path.name)
    doubts = configuration.doubts(request.overrides)
    doubts += not_float32(amp, request.value('tf32')) + locked_packages.doubts() + changed_code()
    if not split.is_val2017:
        doubts.append(NOT_VAL2017)
    work_dir = open_work_dir(work_dir_of(request), 'eval')
    print(f'evaluating {weights.path} on {split.images} images of {split.ann_file}', flush=True)
    return EvalPlan(cfg, path, row, split, weights, state, tolerance, doubts, work_dir, device, amp,
                    request.value('fast'))


def plan_and_evaluate(request: Request, layout: Layout, device: str, notes: List[str]) -> Tuple[str, str]:
    """`evaluate` what a request asks for, in a work dir that is nobody else's meanwhile."""
    with contextlib.ExitStack() as until_end:
        processes.on_first(lambda: until_end.enter_context(held_work_dir(work_dir_of(request), 'eval')))
        plan = processes.on_first(make_plan, request, layout, device)
        if processes.is_first():
            note('\n'.join(notes))
        return evaluate(plan)


def evaluate(plan: EvalPlan) -> Tuple[str, str]:
    """Evaluate one row; writes its `verdict.json` and says what came out.

    Returns:
        the verdict, and its sentence; the same on all processes.
    """
    model = build_for_inference(plan.cfg)
    load_weights(model, plan.state, plan.weights.path, plan.config.name)
    loader = processes.on_all(build_test_loader, plan.cfg, 'test')
    start = time.monotonic()
    if plan.fast:
        use_fast_forms(model)
    autocast_model(model, plan.amp, plan.device)
    with known_failures(MORE_MEMORY):
        results = detect(model, loader, plan.device)
    scores = score(loader.dataset, results, plan.work_dir)
    return processes.on_first(lambda: conclude(plan, scores, time.monotonic() - start))


def conclude(plan: EvalPlan, scores: Any, seconds: float) -> Tuple[str, str]:
    """Judge, write, and say it."""
    row, split, weights = plan.row, plan.split, plan.weights
    reported, facts = row.reported if row else None, run_facts(plan.device)
    result = judge(scores.percent, reported, plan.tolerance, plan.doubts)
    target = write_verdict(
        plan.work_dir,
        EvalVerdict(
            alias=row.alias if row else None,
            config=str(plan.config),
            config_sha256=file_hash(plan.config),
            checkpoint=weights,
            data=dict(val=Data(**split.as_dict())),
            amp=plan.amp,
            fast=plan.fast,
            processes=processes.world_size(),
            metrics=scores.metrics,
            per_category=scores.per_category,
            seconds=seconds,
            images_per_second=split.images / seconds,
            **result,
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


def evaluate_all(request: Request, layout: Layout, device: str, notes: List[str]) -> int:
    """Every released checkpoint; returns the exit status."""
    found, errors = [], []
    for row in released.released_rows():
        keys = dict(request.keys, config=row.alias)
        if 'work_dir' in keys:
            keys['work_dir'] = os.path.join(keys['work_dir'], row.alias)
        try:
            found.append(plan_and_evaluate(replace(request, keys=keys), layout, device, notes))
        except LostPeer:
            raise
        except HeadError as error:
            errors.append(error)
    if processes.is_first():
        print('\n'.join(line for _, line in found), flush=True)
    raise_together(errors)
    return FELL_SHORT if FAIL in [verdict for verdict, _ in found] else DONE


def run(request: Request) -> int:
    """The command `eval`; returns its exit status."""
    layout = Layout(**{key: request.value(key) for key in PROCESSES})
    launches = layout.several and not is_worker()
    if launches and 'config' in request.keys:
        catalog.find_config(request.get('config'))
    notes: List[str] = []
    device = choose_device(layout, notes.append)
    check_amp(request.get('amp'), device)
    choose_tf32(request.value('tf32'), device)
    if launches:
        return launcher.launch(request.arguments, layout)
    with processes.process_group(device):
        if not {'config', 'checkpoint'} & set(request.keys):
            return evaluate_all(request, layout, device, notes)
        verdict, _ = plan_and_evaluate(request, layout, device, notes)
        return EXIT_STATUS[verdict] if processes.is_first() else DONE
