"""The paper's method as an mmdet plug-in.

Importing this package registers every detector, head, adapt, loss and hook that the configs name, and mends mmcv's
parallel wrappers where torch is newer than they are. To use them with stock mmdet tools, a config carries
``custom_imports = dict(imports=['head.method'], allow_failed_imports=False)``.
"""

from . import parallel_wrappers
from .assistant_distiller import AssistantDistiller
from .box_positions import AnchorIds, CustomAdapt, RowsWithCell
from .cross_stage_detector import CrossStageDetector
from .cross_stage_head import CrossStageHEAD
from .early_stop import StopAtLrDropHook, UntilLrDrop
from .fcos_assistant import FCOSAssistant
from .frozen_teacher import FrozenTeacherDistiller
from .iteration_counter import IterationCounterHook
from .mimic_loss import FeatureMSELoss
from .retina_rpn_head import RetinaRPNHead
from .roi_head_with_bbox_ids import StandardRoIHeadWithBBoxIDs
from .single_teacher_single_stage import SingleTeacherSingleStageDistiller
from .step_hooks import StepCallsHook, StepHook
from .teacher_free_detector import TeacherFreeHEAD

__all__ = [
    'AnchorIds',
    'AssistantDistiller',
    'CrossStageDetector',
    'CrossStageHEAD',
    'CustomAdapt',
    'FCOSAssistant',
    'FeatureMSELoss',
    'FrozenTeacherDistiller',
    'IterationCounterHook',
    'RetinaRPNHead',
    'RowsWithCell',
    'SingleTeacherSingleStageDistiller',
    'StandardRoIHeadWithBBoxIDs',
    'StepCallsHook',
    'StepHook',
    'StopAtLrDropHook',
    'TeacherFreeHEAD',
    'UntilLrDrop',
    'parallel_wrappers',
]
