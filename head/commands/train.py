"""The command `train`: one row of the results table, from the weights it starts from to its verdict."""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from mmcv import Config

from .. import catalog
from ..catalog.rows import Model
from ..checkpoints import resume, run_identity, weights
from ..coco.folder import Split, check_split
from ..distributed import launcher, processes
from ..distributed.layout import Layout
from ..distributed.worker import is_worker
from ..engine import configuration, locked_packages, logs
from ..engine.building import building, without_initial_values
from ..engine.config_values import Training, check_values
from ..engine.data_sets import configs_inside
from ..engine.device import choose_device
from ..engine.float32 import choose_tf32, not_float32
from ..engine.known_failures import SMALLER_STEPS, known_failures
from ..engine.randomness import choose_cudnn_benchmark, choose_determinism
from ..engine.run_facts import changed_code, run_facts
from ..engine.shared_memory import lacking
from ..engine.training import TrainOptions, train
from ..engine.trial import try_training
from ..engine.unread import refuse_unread
from ..errors import EnvironmentFault, RequestError
from ..fast.mixed_precision import check_amp
from ..judging.verdict import EXIT_STATUS, NOT_VAL2017, judge, sentence
from ..request import PROCESSES, Request
from ..results.verdict_file import RESUMED, Data, TrainVerdict, Weights, write_verdict
from ..results.work_dir import open_work_dir, remove_run
from ..results.work_dir_lock import held_work_dir
from ..support.atomic_write import write_text
from ..support.file_hash import file_hash
from ..support.folders import WORK_DIRS
from ..support.printed_text import LONGEST_LINE, printable
from ..support.quiet import quietly


@dataclass(frozen=True)
class TrainPlan:
    """A request that was found to be right, the same on all processes; nothing after it looks at the request again.

    Attributes:
        cfg: ready to run.
        text: of the config as it was asked for, from which it can be trained again.
        config: path of its file.
        config_sha256: of the file, which may change while it is trained.
        row: of the catalog, or None.
        used: weights that it starts from.
        splits: the data, by ``train`` and ``val``.
        doubts: why its number cannot confirm the paper.
        work_dir: open.
        training: how it is trained.
        timestamp: of the log to continue with, or None.
        notes: lines for the log's beginning.
    """

    cfg: Config
    text: str
    config: Path
    config_sha256: str
    row: Optional[Model]
    used: List[Weights]
    splits: Dict[str, Split]
    doubts: List[str]
    work_dir: str
    training: TrainOptions
    timestamp: Optional[str]
    notes: List[str]


def check_weights(cfg: Config, folder: str, overrides: Dict[str, Any]) -> Tuple[List[Weights], List[str]]:
    """The weights a training starts from, and why a comparison with the paper would mean nothing.

    Args:
        cfg: gets their paths.
        folder: where they are, or ``'none'``.
        overrides: of the config, by dotted key.
    """
    if folder == 'none':
        with building('model', overrides):
            weights.drop_pretrained(cfg)
            teacher = ', random teacher' if 'teacher' in cfg.model.get('distiller', {}) else ''
        return [], [f'pretrained=none: random backbone{teacher}']
    with quietly(), building('model', overrides), without_initial_values():
        used = weights.check_pretrained(cfg, folder, overrides)
    return used, [f'{one.path} is not a file of the catalog' for one in used if not one.confirmed]


def load(request: Request, layout: Layout) -> Tuple[Path, Optional[Model], Config]:
    """The config of a request, its overrides and data in place: (path, row, Config)."""
    path, row = catalog.find_config(request.require('config'))
    cfg = configuration.load_config(path)
    configuration.fill_in_defaults(cfg)
    configuration.apply_overrides(cfg, request.overrides, Training)
    check_values(cfg, Training)
    settings = {key: request.value(key) for key in ('deterministic', 'cudnn_benchmark')}
    refuse_unread(cfg, {**settings, 'checkpoint_config.max_keep_ckpts': request.get('keep')})
    configuration.set_data_root(cfg, request.value('data'), 'data' in request.keys)
    short = lacking(cfg.data.workers_per_gpu * layout.processes_here, cfg.data.samples_per_gpu)
    if short:
        raise EnvironmentFault(f'{short}; or train without workers, slower: data.workers_per_gpu=0')
    return path, row, cfg


def work_dir_of(request: Request) -> str:
    """The folder of the training's results."""
    path, _ = catalog.find_config(request.require('config'))
    return request.get('work_dir') or os.path.join(WORK_DIRS, path.stem)


def check_splits(cfg: Config) -> Dict[str, Split]:
    """Both splits, checked; of a training set of several, in order, `train`, `train 2` and so on."""
    splits: Dict[str, Split] = {}
    for name in ('train', 'val'):
        for number, (_, one) in enumerate(configs_inside(cfg.data[name], name), 1):
            splits[name if number == 1 else f'{name} {number}'] = check_split(one['ann_file'], one['img_prefix'])
    return splits


def make_plan(request: Request, layout: Layout, device: str, notes: List[str]) -> TrainPlan:
    """Check a request; writes nothing before all of it is found right.

    Args:
        notes: what was chosen so far, for the log.

    Raises:
        RequestError, EnvironmentFault: what is wrong with it.
    """
    path, row, cfg = load(request, layout)
    amp, wanted, iters = request.get('amp'), request.value('resume'), request.get('iters')
    at_once = cfg.data.samples_per_gpu * processes.world_size()
    accumulate = configuration.micro_batches(request.value('accumulate'), at_once)
    images = at_once * accumulate
    started_from, doubts = check_weights(cfg, request.value('pretrained'), request.overrides)
    doubts += configuration.doubts(request.overrides)
    splits = check_splits(cfg)
    epochs = request.get('epochs')
    try_training(cfg, device, request.overrides, epochs, accumulate)
    doubts += not_float32(amp, request.value('tf32')) + locked_packages.doubts() + changed_code()
    work_dir = work_dir_of(request)
    begun = run_identity.read(work_dir)
    resume_point = resume.choose_checkpoint(wanted, work_dir, begun, notes.append)
    continues = resume_point is not None and resume_point.lies_in(work_dir)
    if wanted == 'auto' or (begun and not os.path.isfile(wanted)) or (continues and os.path.islink(wanted)):
        begun_from = begun['source'] if begun else None  # latest.pth, a link, names another file each time
    else:
        begun_from = run_identity.source(wanted)
    in_place = continues if resume_point else begun is not None
    seed = request.get('seed')
    if resume_point:
        seed = resume.seed_of_run(resume_point, seed)
        doubts = list(dict.fromkeys(doubts + resume_point.doubts))
    if seed is None:
        seed = cfg.get('seed')
    cfg.seed = request.value('seed') if seed is None else seed
    open_work_dir(work_dir, 'train', in_place)
    copy = os.path.join(work_dir, path.name)
    if not begun and (os.path.islink(copy) or (os.path.exists(copy) and os.path.samefile(copy, path))):
        raise RequestError(f'{copy}: a copy of the config would be written over it; name another work_dir')

    text = configuration.config_text(cfg)  # before the learning rate is scaled, so that it can be trained from
    configuration.scale_learning_rate(cfg, images, request.overrides, notes.append)
    if images != configuration.PUBLISHED_BATCH_SIZE and accumulate == 1:
        notes.append(f'{images} images an iteration; accumulate=auto takes the published '
                     f'{configuration.PUBLISHED_BATCH_SIZE}')
    run = run_identity.identity(cfg, splits, started_from, amp, request.value('tf32'), request.value('fast'), images,
                                epochs or cfg.runner.max_epochs)
    if begun:
        run_identity.require_same(begun['run'], run, f'work_dir={work_dir}')
    training = TrainOptions(
        device, work_dir, accumulate, iters, amp, request.value('fast'), resume_point, run, list(doubts), begun_from,
        request.get('save_iters'), request.get('save_minutes'), request.get('keep'), begun=in_place)
    if epochs:
        doubts.append(f'epochs={epochs}, not the config\'s {cfg.runner.max_epochs}')
        cfg.runner.max_epochs = epochs
    if iters:
        doubts.append(f'iters={iters} may end it early')
        cfg.log_config.interval = min(cfg.log_config.interval, max(1, iters // 20))
    if not splits['val'].is_val2017:
        doubts.append(NOT_VAL2017)
    used = started_from + ([resume_point.weights] if resume_point else [])
    return TrainPlan(cfg, text, path, file_hash(path), row, used, splits, doubts, work_dir, training,
                     begun['log'] if begun else None, notes)


def plan_together(request: Request, layout: Layout, device: str, notes: List[str]) -> TrainPlan:
    """`make_plan` on the first process, for all; each machine checks its own copy of the data."""
    cfg = processes.on_all(load, request, layout)[2]
    plan: TrainPlan = processes.on_first(make_plan, request, layout, device, notes)

    def of_this_machine() -> List[Tuple[str, Optional[str]]]:
        """(what, sha256) of all that a run is begun from, once a machine."""
        if processes.local_rank() != 0:
            return []
        splits = plan.splits if processes.is_first() else check_splits(cfg)
        return [*((f'{split.ann_file}', split.sha256) for split in splits.values()),
                *((f'images of {split.ann_file}', split.images_sha256) for split in splits.values()),
                *((one.path, file_hash(one.path)) for one in plan.used if one.part != RESUMED)]

    machines = [one for one in processes.gather_everywhere(processes.on_all(of_this_machine)) if one]
    for parts in zip(*machines):
        if len({sha256 for _, sha256 in parts}) > 1:
            raise RequestError(f'{parts[0][0]}: the machines have different files there; give all the same')
    return plan


def announce(plan: TrainPlan, facts: Dict[str, Any], logger: Any) -> None:
    """The beginning of the log, and the config beside it."""
    write_text(os.path.join(plan.work_dir, plan.config.name), plan.text)
    logger.info(f'{plan.config} -> {plan.work_dir}, {facts["stack"]} stack, {facts["versions"]}')
    for line in plan.notes:
        logger.info(line)
    if not any(one.part != RESUMED for one in plan.used):
        logger.warning('!' * 20 + ' RANDOM WEIGHTS ' + '!' * 20)
    for line in plan.doubts:
        logger.warning(f'this run cannot confirm the paper: {printable(line, LONGEST_LINE)}')


def run(request: Request) -> int:
    """The command `train`; returns its exit status."""
    notes: List[str] = []
    layout = Layout(**{key: request.value(key) for key in PROCESSES})
    launches = layout.several and not is_worker()
    cfg = load(request, layout)[2] if launches else None
    device = choose_device(layout, notes.append)
    check_amp(request.get('amp'), device)
    choose_tf32(request.value('tf32'), device)
    if cfg:
        check_splits(cfg)  # looking at all images may take longer than processes wait for each other
        return launcher.launch(request.arguments, layout)
    deterministic = choose_determinism(request.get('deterministic'), device)
    if deterministic:
        notes.append('deterministic: the same run gives the same bits')
    if choose_cudnn_benchmark(request.value('cudnn_benchmark'), deterministic, device):
        notes.append('cudnn_benchmark: the fastest algorithm of each size of images, whichever it is')
    with processes.process_group(device), contextlib.ExitStack() as until_end:
        processes.on_first(lambda: until_end.enter_context(held_work_dir(work_dir_of(request), 'train')))
        return carry_out(plan_together(request, layout, device, notes), run_facts(device))


def carry_out(plan: TrainPlan, facts: Dict[str, Any]) -> int:
    """Train as planned, on every process; returns the exit status.

    A new training that ends before its first step is done, with no checkpoint, leaves nothing that a next command would
    take for a run.
    """
    before = os.listdir(plan.work_dir) if processes.is_first() else []
    logger = None
    try:
        logger = processes.on_all(logs.open_log, plan.work_dir, plan.timestamp)
        if processes.is_first():
            announce(plan, facts, logger)
        with known_failures(SMALLER_STEPS):  # where even its weights find no room
            scores, runner = train(plan.cfg, plan.training, logger)
    except BaseException:
        if processes.is_first() and logger and not plan.training.begun:
            logs.close_log(logger)
            names = {plan.config.name, run_identity.FILE, *logs.files_of_log(logger)}
            remove_run(plan.work_dir, names.difference(before))
        raise
    return processes.on_first(conclude, plan, scores, runner.seconds, facts, logger)


def conclude(plan: TrainPlan, scores: Any, seconds: float, facts: Dict[str, Any], logger: Any) -> int:
    """Judge, write, and say it; returns the exit status."""
    row, training = plan.row, plan.training
    reported, tolerance = (row.reported, row.train_tolerance) if row else (None, None)
    result = judge(scores and scores.percent, reported, tolerance, plan.doubts)
    path = write_verdict(
        plan.work_dir,
        TrainVerdict(
            alias=row.alias if row else None,
            config=str(plan.config),
            config_sha256=plan.config_sha256,
            weights=plan.used,
            data={name: Data(**split.as_dict()) for name, split in plan.splits.items()},
            seed=plan.cfg.seed,
            amp=training.amp,
            fast=training.fast,
            processes=processes.world_size(),
            accumulate=training.accumulate,
            metrics=scores and scores.metrics,
            per_category=scores and scores.per_category,
            seconds=seconds,
            **result,
            **facts))
    logger.info(sentence(row.alias if row else plan.config.stem, result))
    logger.info(f'written: {path}')
    return EXIT_STATUS[result['verdict']]
