"""The command `train`: one row of the results table, from the weights it starts from to its verdict."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Dict, List, Optional

from mmcv import Config

from .. import catalog
from ..catalog.rows import Model
from ..checkpoints import resume, run_identity, weights
from ..coco.folder import Split, check_split
from ..distributed import launcher, processes
from ..engine import configuration, logs
from ..engine.device import choose_device
from ..engine.randomness import choose_cudnn_benchmark, choose_determinism
from ..engine.run_facts import run_facts
from ..engine.shared_memory import lacking
from ..engine.teacher_check import check_teacher, require_teacher
from ..engine.training import Training, train
from ..errors import EnvironmentFault, RequestError
from ..fast.mixed_precision import check_amp, not_float32
from ..judging.verdict import EXIT_STATUS, NOT_VAL2017, judge, sentence
from ..results.run import VERDICT
from ..results.verdict_file import Weights
from ..results.work_dir import open_work_dir
from ..support.atomic_write import write_json, write_text
from ..support.file_hash import file_hash
from ..support.quiet import quietly

if TYPE_CHECKING:
    from ..cli import Request

SEED = 3407
"""The one that is published."""


@dataclass
class Plan:
    """A request that was found to be right, the same on all processes.

    Attributes:
        cfg: ready to run.
        text: of the config as it was asked for, from which it can be trained again.
        config: path of its file.
        row: of the catalog, or None.
        used: weights that it starts from.
        splits: the data, by ``train`` and ``val``.
        doubts: why its number cannot confirm the paper.
        work_dir: open.
        training: how it is trained.
        timestamp: of the log to go on with, or None.
        said: lines for the log's beginning.
    """

    cfg: Config
    text: str
    config: Path
    row: Optional[Model]
    used: List[Weights]
    splits: Dict[str, Split]
    doubts: List[str]
    work_dir: str
    training: Training
    timestamp: Optional[str] = None
    said: List[str] = field(default_factory=list)


def check_weights(cfg, request):
    """The weights a training starts from, and why a comparison with the paper would mean nothing.

    Returns:
        (list[Weights], list[str])
    """
    pretrained = request.get('pretrained', 'pretrained')
    if pretrained == 'none':
        weights.drop_pretrained(cfg)
        teacher = ', random teacher' if 'teacher' in cfg.model.get('distiller', {}) else ''
        return [], [f'pretrained=none: random backbone{teacher}']
    with quietly():
        used = weights.check_pretrained(cfg, pretrained, request.overrides)
    return used, [f'{one.path} is not a file of the catalog' for one in used if not one.confirmed]


def load(request):
    """The config of a request, its overrides and data in place: (path, row, Config)."""
    path, row = catalog.find_config(request.require('config'))
    cfg = configuration.load_config(path)
    configuration.apply_overrides(cfg, request.overrides)
    configuration.point_at_data(cfg, request.get('data', 'data/coco'))
    if cfg.runner.type != 'EpochBasedRunner':
        raise RequestError(f'runner.type={cfg.runner.type}: trains by epochs only, with EpochBasedRunner')
    short = lacking(cfg.data.workers_per_gpu * launcher.processes_here(request), cfg.data.samples_per_gpu)
    if short:
        raise EnvironmentFault(f'{short}; or train without workers, slower: data.workers_per_gpu=0')
    return path, row, cfg


def check_splits(cfg):
    """Both splits, checked."""
    return {name: check_split(cfg.data[name].ann_file, cfg.data[name].img_prefix) for name in ('train', 'val')}


def make_plan(request, device, said):
    """Check a request; writes nothing before all of it is found right.

    Raises:
        RequestError, EnvironmentFault: what is wrong with it.
    """
    path, row, cfg = load(request)
    amp, wanted = request.get('amp'), request.get('resume', 'auto')
    accumulate = configuration.micro_batches(request.get('accumulate'),
                                             cfg.data.samples_per_gpu * processes.world_size())
    images = cfg.data.samples_per_gpu * processes.world_size() * accumulate
    used, doubts = check_weights(cfg, request)
    doubts += configuration.doubts(request.overrides)
    splits = check_splits(cfg)
    if request.get('check_teacher'):
        require_teacher(cfg, used, request.get('check_teacher'))
    if amp:
        doubts.append(not_float32(amp))
    work_dir = request.get('work_dir') or os.path.join('work_dirs', path.stem)
    begun = run_identity.read(work_dir)
    beginning = resume.choose(wanted, work_dir, begun, said.append)
    begun_from = begun and begun['source'] if wanted == 'auto' else run_identity.source(wanted)
    in_place = beginning.lies_in(work_dir) if beginning else begun is not None
    seed = request.get('seed')
    if beginning:
        seed = resume.seed_of(beginning, seed)
        used.append(beginning.weights)
        doubts = list(dict.fromkeys(doubts + beginning.doubts))
    cfg.seed = SEED if seed is None else seed
    open_work_dir(work_dir, 'train', in_place)

    text = cfg.pretty_text  # before the learning rate is scaled, so that it can be trained from
    configuration.scale_learning_rate(cfg, images, request.overrides, said.append)
    if images != configuration.IMAGES_AN_ITERATION and accumulate == 1:
        said.append(f'{images} images an iteration; accumulate=auto takes the published '
                    f'{configuration.IMAGES_AN_ITERATION}')
    run = run_identity.identity(cfg, splits, amp, images)
    if begun:
        run_identity.require_same(begun['run'], run, f'work_dir={work_dir}')
    training = Training(
        device, work_dir, accumulate, request.get('iters'), amp, request.get('fast', True), beginning, run, list(doubts),
        begun_from, request.get('save_iters'), request.get('save_minutes'), request.get('keep'))
    if request.get('epochs'):
        doubts.append(f'epochs={request.get("epochs")}, not the config\'s {cfg.runner.max_epochs}')
        cfg.runner.max_epochs = request.get('epochs')
    if training.iters:
        doubts.append(f'iters={training.iters} may end it early')
        cfg.log_config.interval = min(cfg.log_config.interval, max(1, training.iters // 20))
    if not splits['val'].is_val2017:
        doubts.append(NOT_VAL2017)
    return Plan(cfg, text, path, row, used, splits, doubts, work_dir, training, begun and begun['log'], said)


def prepare(request, device, said):
    """`make_plan` on the first process, for all; each machine checks its own copy of the data."""
    cfg = processes.together(load, request)[2]
    plan = processes.on_first(make_plan, request, device, said)

    def of_this_machine():
        if processes.is_first():
            return plan.splits
        return check_splits(cfg) if processes.local_rank() == 0 else None

    here = processes.together(of_this_machine)
    hashes = [{name: split.sha256 for name, split in one.items()} for one in processes.gather_everywhere(here) if one]
    if any(one != hashes[0] for one in hashes):
        raise RequestError(f'data={request.get("data", "data/coco")}: the machines have different annotations there')
    return plan


def announce(plan, facts, logger):
    """The beginning of the log, and the config beside it."""
    write_text(os.path.join(plan.work_dir, plan.config.name), plan.text)
    logger.info(f'{plan.config} -> {plan.work_dir}, {facts["stack"]} stack, {facts["versions"]}')
    for line in plan.said:
        logger.info(line)
    if not any(one.part != 'resumed from' for one in plan.used):
        logger.warning('!' * 20 + ' RANDOM WEIGHTS ' + '!' * 20)
    for line in plan.doubts:
        logger.warning(f'this run cannot confirm the paper: {line}')


def run(request: 'Request') -> int:
    """The command `train`; returns its exit status."""
    said: List[str] = []
    if launcher.wanted(request):
        load(request)
        choose_device(request, said.append)
        return launcher.launch(request)
    device = choose_device(request, said.append)
    check_amp(request.get('amp'), device)
    deterministic = choose_determinism(request.get('deterministic'), device)
    if deterministic:
        said.append('deterministic: the same operations give the same bits')
    if choose_cudnn_benchmark(request.get('cudnn_benchmark'), deterministic, device):
        said.append('cudnn_benchmark: the fastest algorithm of each size of images, whichever it is')
    with processes.joined(device):
        return _run(request, device, said)


def _run(request, device, said):
    plan = prepare(request, device, said)
    cfg, training = plan.cfg, plan.training
    logger, facts = processes.together(logs.open_log, plan.work_dir, plan.timestamp), run_facts(device)
    if processes.is_first():
        announce(plan, facts, logger)
    if request.get('check_teacher'):
        check_teacher(cfg, plan.used, request.get('check_teacher'), device, logger.info)
    scores, runner = train(cfg, training, logger)
    return processes.on_first(_conclude, plan, scores, runner.seconds, facts, logger)


def _conclude(plan, scores, seconds, facts, logger):
    """Judge, write, and say it; returns the exit status."""
    result = judge(scores and scores.percent, plan.row and plan.row.reported, plan.row and plan.row.train_tolerance,
                   plan.doubts)
    write_json(
        os.path.join(plan.work_dir, VERDICT),
        dict(
            command='train',
            alias=plan.row.alias if plan.row else None,
            config=str(plan.config),
            config_sha256=file_hash(plan.config),
            weights=[one.as_dict() for one in plan.used],
            data={name: split.as_dict() for name, split in plan.splits.items()},
            seed=plan.cfg.seed,
            amp=plan.training.amp,
            processes=processes.world_size(),
            accumulate=plan.training.accumulate,
            metrics=scores and scores.metrics,
            per_category=scores and scores.per_category,
            **result,
            seconds=seconds,
            **facts))
    logger.info(sentence(plan.row.alias if plan.row else plan.config.stem, result))
    logger.info(f'written: {os.path.join(plan.work_dir, VERDICT)}')
    return EXIT_STATUS[result['verdict']]
