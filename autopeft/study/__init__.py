"""The durable record of a search: an Optuna study, its trials and its front."""

from autopeft.study.extending import extend_study
from autopeft.study.front import SCALE, Front, FrontRow, Scale, Standing, front_of, head_only_accuracy, placed
from autopeft.study.lock import LOCK, in_use, locked
from autopeft.study.records import (
    BEYOND,
    INFEASIBLE,
    OUTSIDE,
    PARAMS,
    Ask,
    ask,
    counted,
    enqueue,
    open_trials,
    reap,
    tell,
    tell_lost,
)
from autopeft.study.results import has_results, why_none_completed
from autopeft.study.spec import StudySpec
from autopeft.study.stopping import (
    CONFIDENCE,
    GROWTH,
    chance_of_growth,
    out_of_reach,
    worth_finishing,
)
from autopeft.study.storage import DATABASE, check_folder, load_study, open_study, prepare_folder, storage_url
from autopeft.study.trial_rows import STATES, TrialRow, trial_rows

__all__ = [
    "BEYOND",
    "CONFIDENCE",
    "DATABASE",
    "GROWTH",
    "INFEASIBLE",
    "LOCK",
    "OUTSIDE",
    "PARAMS",
    "SCALE",
    "STATES",
    "Ask",
    "Front",
    "FrontRow",
    "Scale",
    "Standing",
    "StudySpec",
    "TrialRow",
    "ask",
    "chance_of_growth",
    "check_folder",
    "counted",
    "enqueue",
    "extend_study",
    "front_of",
    "has_results",
    "head_only_accuracy",
    "in_use",
    "load_study",
    "locked",
    "open_study",
    "open_trials",
    "out_of_reach",
    "placed",
    "prepare_folder",
    "reap",
    "storage_url",
    "tell",
    "tell_lost",
    "trial_rows",
    "why_none_completed",
    "worth_finishing",
]
