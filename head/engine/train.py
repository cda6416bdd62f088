"""`train`: one row of the results table, from the weights it starts from to its verdict."""

import logging
import os
import time

import mmdet
import torch
from mmcv.runner import Hook, build_optimizer
from mmcv.utils import get_logger
from mmdet.apis import set_random_seed
from mmdet.datasets import build_dataloader, build_dataset
from mmdet.models import build_detector
from mmdet.utils import collect_env

from .. import catalog
from ..data.coco_folder import check_split
from ..errors import EnvironmentFault, RequestError
from ..file_hash import file_hash
from ..quiet import quiet_children, quietly
from ..results.run import VERDICT
from ..verdict import EXIT_STATUS, NOT_VAL2017, judge, sentence
from ..whole_file import write_json
from ..work_dir import open_work_dir
from . import configuration, weights
from .device import choose_device, parallel
from .image_reading import name_broken_images
from .inference import CocoEvalHook, build_test_loader
from .interruption import InterruptionHook, shield_workers
from .mixed_precision import autocast_model, check_amp, not_float32, optimizer_hook
from .resume import check_resume, go_on
from .run_facts import run_facts
from .runner import Runner
from .shared_memory import lacking
from .teacher_check import check_teacher, require_teacher

SEED = 3407
"""The one that is published."""


class EnoughIterations(Exception):
    """`iters=` is reached."""


class StopAfterHook(Hook):
    """Saves a checkpoint after `iters` iterations and ends the run there."""

    def __init__(self, iters):
        self.iters = iters

    def after_train_iter(self, runner):
        """Raise `EnoughIterations` when it is time."""
        if runner.iter + 1 >= self.iters:
            runner.save_step(runner.iter + 1)
            raise EnoughIterations


def train(cfg, device, work_dir, logger, iters=None, amp=None, resume=None, doubts=()):
    """Train a checked config.

    Args:
        cfg (Config): with `seed` set and every path in place.
        device (str): ``'cuda'`` or ``'cpu'``.
        work_dir (str): an open work dir; gets logs in mmdet's form and checkpoints.
        logger (Logger): writes the log; its `timestamp` names the ``*.log.json``.
        iters (int, optional): stop after that many.
        amp (str, optional): see `autocast_model`.
        resume (str, optional): the checkpoint to go on from, see `check_resume`; else from the first iteration.
        doubts (list[str]): why no run that goes on from its checkpoints can confirm the paper; they tell it.

    Returns:
        CocoScores: the latest; None if no evaluation took place.
    """
    set_random_seed(cfg.seed)
    with quietly():
        dataset = name_broken_images(configuration.built(build_dataset, cfg.data.train))
        model = configuration.built(build_detector, cfg.model)
        model.init_weights()
    model.CLASSES = dataset.CLASSES
    loader = build_dataloader(
        dataset,
        cfg.data.samples_per_gpu,
        cfg.data.workers_per_gpu,
        num_gpus=1,
        dist=False,
        seed=cfg.seed)
    shield_workers(loader)
    model = parallel(autocast_model(model, amp, device), device)
    with quiet_children():
        environment = collect_env()
    runner = Runner(
        model,
        optimizer=build_optimizer(model, cfg.optimizer),
        work_dir=work_dir,
        logger=logger,
        meta=dict(
            env_info='\n'.join(f'{name}: {value}' for name, value in environment.items()),
            config=cfg.pretty_text,
            exp_name=os.path.basename(cfg.filename),
            seed=cfg.seed,
            mmdet_version=mmdet.__version__,
            doubts=list(doubts),
            stack=os.environ.get('HEAD_STACK'),
            torch=str(torch.__version__),
            CLASSES=dataset.CLASSES),
        max_epochs=cfg.runner.max_epochs)
    runner.timestamp = logger.timestamp
    runner.register_training_hooks(
        cfg.lr_config,
        optimizer_hook(cfg.optimizer_config, amp, device),
        cfg.checkpoint_config,
        cfg.log_config,
        cfg.get('momentum_config'),
        custom_hooks_config=cfg.get('custom_hooks'))
    evaluation = CocoEvalHook(build_test_loader(cfg, 'val'), interval=cfg.evaluation.interval)
    runner.register_hook(evaluation, priority='LOW')
    if iters:
        runner.register_hook(StopAfterHook(iters), priority='VERY_LOW')
    interruption = InterruptionHook()
    runner.register_hook(interruption, priority=interruption.PRIORITY)
    if resume:
        go_on(runner, resume, len(loader), iters, logger)
    try:
        with interruption.listening():
            runner.run([loader], cfg.workflow)
    except EnoughIterations:
        logger.info(f'stopped after {iters} iterations, as asked')
    return evaluation.scores


def open_log(work_dir, terminal=True):
    """A logger to ``work_dir/TIMESTAMP.log`` and the terminal; its `timestamp` is for mmcv's ``*.log.json``."""
    timestamp = time.strftime('%Y%m%d_%H%M%S', time.localtime())
    # mmcv keeps one set of handlers a name
    logger = get_logger(f'train {work_dir} {timestamp}', log_file=os.path.join(work_dir, f'{timestamp}.log'))
    logger.timestamp = timestamp
    logging.raiseExceptions = False  # a full disk: the metrics' file and the checkpoint report it, once
    if not terminal:
        logger.handlers = [handler for handler in logger.handlers if isinstance(handler, logging.FileHandler)]
    return logger


def check_weights(cfg, request):
    """The weights a training starts from, and why a comparison with the paper would mean nothing.

    Returns:
        (list[Weights], list[str])
    """
    pretrained = request.get('pretrained', 'pretrained')
    if pretrained == 'none':
        weights.drop_pretrained(cfg)
        return [], ['pretrained=none: random backbone' + (', random teacher' if 'distiller' in cfg.model else '')]
    with quietly():
        used = weights.check_pretrained(cfg, pretrained, request.overrides)
    return used, [f'{one.path} is not a file of the catalog' for one in used if not one.confirmed]


def run(request):
    """The command `train`; returns its exit status."""
    path, row = catalog.find_config(request.require('config'))
    cfg = configuration.load_config(path)
    configuration.apply_overrides(cfg, request.overrides)
    configuration.point_at_data(cfg, request.get('data', 'data/coco'))
    if cfg.runner.type != 'EpochBasedRunner':
        raise RequestError(f'runner.type={cfg.runner.type}: trains by epochs only, with EpochBasedRunner')
    short = lacking(cfg.data.workers_per_gpu, cfg.data.samples_per_gpu)
    if short:
        raise EnvironmentFault(f'{short}; or train without workers, slower: data.workers_per_gpu=0')
    said = []
    device, amp, resume = choose_device(request, said.append), request.get('amp'), request.get('resume')
    check_amp(amp, device)
    used, doubts = check_weights(cfg, request)
    doubts += configuration.doubts(request.overrides)
    splits = {name: check_split(cfg.data[name].ann_file, cfg.data[name].img_prefix) for name in ('train', 'val')}
    if request.get('check_teacher'):
        require_teacher(cfg, used, request.get('check_teacher'))
    seed = request.get('seed')
    if amp:
        doubts.append(not_float32(amp))
    if resume:
        begun, before, seed = check_resume(resume, seed)
        used.append(begun)
        doubts = list(dict.fromkeys(doubts + before))
    lasting = list(doubts)
    work_dir = request.get('work_dir') or os.path.join('work_dirs', path.stem)
    open_work_dir(work_dir, 'train', resume)

    cfg.seed = SEED if seed is None else seed
    if request.get('epochs'):
        doubts.append(f'epochs={request.get("epochs")}, not the config\'s {cfg.runner.max_epochs}')
        cfg.runner.max_epochs = request.get('epochs')
    iters = request.get('iters')
    if iters:
        doubts.append(f'iters={iters} may end it early')
        cfg.log_config.interval = min(cfg.log_config.interval, max(1, iters // 20))
    if not splits['val'].is_val2017:
        doubts.append(NOT_VAL2017)

    facts = run_facts(device)
    logger = open_log(work_dir)
    cfg.dump(os.path.join(work_dir, path.name))  # before the learning rate is scaled, so that it can be trained from
    configuration.scale_learning_rate(cfg, request.overrides, said.append)
    cfg.log_config.hooks.append(dict(type='TensorboardLoggerHook'))
    logger.info(f'{path} -> {work_dir}, {facts["stack"]} stack, {facts["versions"]}')
    for line in said:
        logger.info(line)
    if not used:
        logger.warning('!' * 20 + ' RANDOM WEIGHTS ' + '!' * 20)
    for line in doubts:
        logger.warning(f'this run cannot confirm the paper: {line}')

    if request.get('check_teacher'):
        check_teacher(cfg, used, request.get('check_teacher'), device, logger.info)
    start = time.time()
    scores = train(cfg, device, work_dir, logger, iters, amp, resume, lasting)
    seconds = time.time() - start
    result = judge(scores and scores.percent, row and row.reported, row and row.train_tolerance, doubts)
    write_json(
        os.path.join(work_dir, VERDICT),
        dict(
            command='train',
            alias=row.alias if row else None,
            config=str(path),
            config_sha256=file_hash(path),
            weights=[one.as_dict() for one in used],
            data={name: split.as_dict() for name, split in splits.items()},
            seed=cfg.seed,
            amp=amp,
            metrics=scores and scores.metrics,
            per_category=scores and scores.per_category,
            **result,
            seconds=seconds,
            **facts))
    logger.info(sentence(row.alias if row else path.stem, result))
    logger.info(f'written: {os.path.join(work_dir, "verdict.json")}')
    return EXIT_STATUS[result['verdict']]
