"""The durable record of a search: an Optuna study, its trials and its front."""

from autopeft.study.asking import ask, room
from autopeft.study.backend import answering
from autopeft.study.deriving import derived_of, tell_derived
from autopeft.study.extending import extend_study
from autopeft.study.front import SCALE, Front, FrontRow, Scale, Standing, front_of, head_only_accuracy, placed
from autopeft.study.leases import LEASE_SECONDS, Watch, renew
from autopeft.study.lock import LOCK, in_use, locked
from autopeft.study.records import (
    BEYOND,
    INFEASIBLE,
    OUTSIDE,
    PARAMS,
    Ask,
    configuration_of,
    counted,
    counts,
    enqueue,
    is_void,
    open_trials,
    outcome_of,
    waiting,
)
from autopeft.study.results import has_results, why_none_completed
from autopeft.study.retries import CLAIM, put_back
from autopeft.study.snapshot import snapshot
from autopeft.study.spec import StudySpec
from autopeft.study.stop_requests import ask_to_stop, asked_to_stop
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
from autopeft.study.telling import LeaseLostError, tell, tell_lost
from autopeft.study.trial_rows import STATES, TrialRow, trial_rows

__all__ = [
    "BEYOND",
    "CLAIM",
    "CONFIDENCE",
    "DATABASE",
    "GROWTH",
    "INFEASIBLE",
    "LEASE_SECONDS",
    "LOCK",
    "OUTSIDE",
    "PARAMS",
    "SCALE",
    "STATES",
    "Ask",
    "Front",
    "FrontRow",
    "LeaseLostError",
    "Scale",
    "Standing",
    "StudySpec",
    "TrialRow",
    "Watch",
    "answering",
    "ask",
    "ask_to_stop",
    "asked_to_stop",
    "chance_of_growth",
    "check_folder",
    "check_storage",
    "configuration_of",
    "counted",
    "counts",
    "derived_of",
    "enqueue",
    "extend_study",
    "front_of",
    "has_results",
    "head_only_accuracy",
    "in_use",
    "is_void",
    "load_study",
    "locked",
    "open_study",
    "open_trials",
    "out_of_reach",
    "outcome_of",
    "placed",
    "prepare_folder",
    "put_back",
    "renew",
    "room",
    "snapshot",
    "storage_url",
    "tell",
    "tell_derived",
    "tell_lost",
    "trial_rows",
    "waiting",
    "why_none_completed",
    "worth_finishing",
]
