"""Trials: the short fine-tune of one configuration, and what it brings back."""

from autopeft.trials.checkpointing import recompute_layers
from autopeft.trials.draw import draw, drawn
from autopeft.trials.faults import out_of_memory
from autopeft.trials.few import FEW_BATCHES, few_batches
from autopeft.trials.groups import parameter_groups
from autopeft.trials.hardware import attention, pick_device, resolve_precision, use_threads
from autopeft.trials.head import reset_head
from autopeft.trials.holding import holds_half
from autopeft.trials.kind import Batch, TrialKind
from autopeft.trials.kinds import TRIALS, kind_of, trials_named
from autopeft.trials.levers import Levers, check_levers
from autopeft.trials.limits import check_limits
from autopeft.trials.loop import schedule, train_first
from autopeft.trials.material import Material
from autopeft.trials.measured import LabelResult, Measured
from autopeft.trials.outcome import STATUSES, Outcome
from autopeft.trials.prediction import Prediction, Ready
from autopeft.trials.register import register_kind
from autopeft.trials.rehearsal import rehearse
from autopeft.trials.runner import TrialRunner
from autopeft.trials.script import Script
from autopeft.trials.setting import TrialSetting, choose_setting, steps_of
from autopeft.trials.writing import Message, Writing, WrittenRow

__all__ = [
    "FEW_BATCHES",
    "STATUSES",
    "TRIALS",
    "Batch",
    "LabelResult",
    "Levers",
    "Material",
    "Measured",
    "Message",
    "Outcome",
    "Prediction",
    "Ready",
    "Script",
    "TrialKind",
    "TrialRunner",
    "TrialSetting",
    "Writing",
    "WrittenRow",
    "attention",
    "check_levers",
    "check_limits",
    "choose_setting",
    "draw",
    "drawn",
    "few_batches",
    "holds_half",
    "kind_of",
    "out_of_memory",
    "parameter_groups",
    "pick_device",
    "recompute_layers",
    "register_kind",
    "rehearse",
    "reset_head",
    "resolve_precision",
    "schedule",
    "steps_of",
    "train_first",
    "trials_named",
    "use_threads",
]
