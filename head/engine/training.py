"""One training, from a checked config to its last evaluation."""

import os
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Tuple

import mmdet
import torch
from mmcv.runner import build_optimizer
from mmcv.utils import _BatchNorm
from mmdet.models import build_detector
from mmdet.utils import collect_env

from ..checkpoints import run_identity
from ..checkpoints.resume import ResumePoint, restore_run, set_aside
from ..checkpoints.saver import Saver
from ..distributed import processes
from ..distributed.model_wrapper import for_training
from ..fast.fast_forms import use_fast_forms
from ..fast.mixed_precision import autocast_model, gradient_scaler
from ..results.coco_metrics import CocoScores
from ..results.log_files import copy_logs_aside, cut_logs
from ..support.quiet import quiet_children, quietly
from .building import building
from .configuration import config_text
from .hooks import register_hooks
from .inference import CocoEvalHook
from .interruption import Interruption
from .loaders import StepLoader, build_test_loader
from .optimizer_step import OptimizerStepHook, check_optimizer_config
from .randomness import seed_all
from .runner import IterationLimit, Runner
from .training_set import build_training_set


@dataclass
class TrainOptions:
    """How a config is trained.

    Attributes:
        device: ``'cuda'`` or ``'cpu'``.
        work_dir: an open work dir; gets logs in mmdet's form and checkpoints.
        accumulate: micro-batches a step and process.
        iters: stop after so many iterations.
        amp: see `autocast_model`.
        fast: whether the detector computes in its fast forms, see `use_fast_forms`.
        resume_point: what to continue from; else the training begins.
        run: its identity, see `run_identity`.
        doubts: why no run that continues from its checkpoints can confirm the paper; they tell it.
        begun_from: checkpoint that the run was asked to begin from, see `run_identity.source`.
        save_iters, save_minutes, keep: see `Saver`.
        begun: whether its work dir holds what is to be kept: of an earlier start, of a step that is done, or a
            checkpoint. `train` tells, also where it ends with an error.
    """

    device: str
    work_dir: str
    accumulate: int = 1
    iters: Optional[int] = None
    amp: Optional[str] = None
    fast: bool = True
    resume_point: Optional[ResumePoint] = None
    run: dict = field(default_factory=dict)
    doubts: List[str] = field(default_factory=list)
    begun_from: Optional[Dict[str, str]] = None
    save_iters: Optional[int] = None
    save_minutes: Optional[int] = None
    keep: Optional[int] = None
    begun: bool = False


def train(cfg: Any, training: TrainOptions, logger: Any) -> Tuple[Optional[CocoScores], Runner]:
    """Train a checked config; all processes call it together.

    Args:
        cfg (Config): with `seed` set and every path in place.
        training: how.
        logger (Logger): writes the log; its `timestamp` names the ``*.log.json``.

    Returns:
        the latest scores, None if no evaluation took place; and the runner at its end.
    """
    check_optimizer_config(cfg.optimizer_config)
    model, loader, evaluation_loader = processes.on_all(_build, cfg, training)
    if training.accumulate > 1 and any(isinstance(module, _BatchNorm) and module.training
                                       for module in model.train().modules()):
        logger.info('BN is trained: its running statistics are updated by every micro-batch, not every step')
    model = for_training(autocast_model(model, training.amp, training.device), training.device)
    runner = _runner(cfg, training, logger, model, loader, evaluation_loader)
    evaluation = next(hook for hook in runner.hooks if isinstance(hook, CocoEvalHook))
    if training.resume_point:
        restore_run(runner, training.resume_point, len(loader), logger)
    if processes.is_first():
        _take_over(training, len(loader), logger)
    training.resume_point = None  # its tensors are the runner's now
    first = runner.iter
    try:
        runner.run(loader)
    except IterationLimit:
        logger.info(f'stopped after {training.iters} iterations, as asked')
    finally:
        training.begun = training.begun or runner.iter > first or runner.saver.path is not None
    return evaluation.scores, runner


def _take_over(training, steps, logger):
    """Make the work dir that of this course: nothing is refused any more."""
    work_dir, resume_point = training.work_dir, training.resume_point
    kept = resume_point.meta.get('logs', {}) if resume_point else {}
    if resume_point and resume_point.lies_in(work_dir):
        set_aside(work_dir, resume_point, steps, logger.info)
    else:
        copy_logs_aside(work_dir, logger.before, logger.info)
    if training.run:
        run_identity.write(work_dir, training.run, logger.timestamp, steps, training.begun_from)
    cut_logs(work_dir, kept, logger.before, logger.warning)


def _build(cfg, training):
    """The detector, the loader of its training and that of its evaluation."""
    seed_all(cfg.seed)
    dataset = build_training_set(cfg)
    with quietly(), building('model'):
        model = build_detector(cfg.model)
        model.init_weights()
    if training.fast:
        use_fast_forms(model)
    model.CLASSES = dataset.CLASSES
    loader = StepLoader(dataset, cfg.data.samples_per_gpu, cfg.data.workers_per_gpu, cfg.seed, training.accumulate)
    return model, loader, build_test_loader(cfg, 'val')


def _runner(cfg, training, logger, model, loader, evaluation_loader):
    environment, text = {}, ''
    if processes.is_first():  # whose log and checkpoints are kept
        text = config_text(cfg)
        with quiet_children():
            environment = collect_env()
    with building('optimizer'):
        optimizer = build_optimizer(model, cfg.optimizer)
    runner = Runner(
        model,
        optimizer=optimizer,
        work_dir=training.work_dir,
        logger=logger,
        meta=dict(
            env_info='\n'.join(f'{name}: {value}' for name, value in environment.items()),
            config=text,
            exp_name=os.path.basename(cfg.filename),
            seed=cfg.seed,
            mmdet_version=mmdet.__version__,
            doubts=list(training.doubts),
            stack=os.environ.get('HEAD_STACK'),
            torch=str(torch.__version__),
            run=training.run,
            processes=processes.world_size(),
            accumulate=training.accumulate,
            CLASSES=model.module.CLASSES),
        max_epochs=cfg.runner.max_epochs,
        seed=cfg.seed,
        interruption=Interruption(),
        iters=training.iters)
    runner.timestamp = logger.timestamp
    runner.saver = Saver(cfg.checkpoint_config.interval, training.save_iters, training.save_minutes, training.keep)
    scaler = gradient_scaler(training.amp, training.device)
    register_hooks(runner, cfg, OptimizerStepHook(scaler=scaler, **cfg.optimizer_config))
    runner.register_hook(
        CocoEvalHook(evaluation_loader, training.device, interval=cfg.evaluation.interval), priority='LOW')
    return runner
