"""Trials: the short fine-tune of one configuration, and what it brings back."""

from autopeft.trials.causal_setting import CausalSetting, choose_causal_setting
from autopeft.trials.checkpointing import recompute_layers
from autopeft.trials.draw import draw
from autopeft.trials.faults import out_of_memory
from autopeft.trials.groups import parameter_groups
from autopeft.trials.hardware import attention, pick_device, resolve_precision, use_threads
from autopeft.trials.head import reset_head
from autopeft.trials.kind import Batch, Kind, Measured
from autopeft.trials.kinds import kind_of
from autopeft.trials.limits import check_limits
from autopeft.trials.loop import schedule
from autopeft.trials.outcome import STATUSES, Outcome
from autopeft.trials.rehearsal import rehearse
from autopeft.trials.runner import FEW_BATCHES, TrialRunner
from autopeft.trials.setting import TrialSetting, choose_setting

__all__ = [
    "FEW_BATCHES",
    "STATUSES",
    "Batch",
    "CausalSetting",
    "Kind",
    "Measured",
    "Outcome",
    "TrialRunner",
    "TrialSetting",
    "attention",
    "check_limits",
    "choose_causal_setting",
    "choose_setting",
    "draw",
    "kind_of",
    "out_of_memory",
    "parameter_groups",
    "pick_device",
    "recompute_layers",
    "rehearse",
    "reset_head",
    "resolve_precision",
    "schedule",
    "use_threads",
]
