"""The durable record of a search: an Optuna study, its trials and its front."""

from autopeft.study.extending import extend_study
from autopeft.study.front import SCALE, Front, FrontRow, Scale, Standing, front_of, head_only_accuracy, placed
from autopeft.study.lock import LOCK, locked
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
from autopeft.study.storage import (
    DATABASE,
    check_folder,
    check_storage,
    load_study,
    open_study,
    prepare_folder,
    storage_url,
)

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
    "Ask",
    "Front",
    "FrontRow",
    "Scale",
    "Standing",
    "StudySpec",
    "ask",
    "chance_of_growth",
    "check_folder",
    "check_storage",
    "counted",
    "enqueue",
    "extend_study",
    "front_of",
    "has_results",
    "head_only_accuracy",
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
    "why_none_completed",
    "worth_finishing",
]
