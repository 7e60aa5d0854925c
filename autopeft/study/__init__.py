"""The durable record of a search: an Optuna study, its trials and its front."""

from autopeft.study.extending import OUTSIDE, extend_study
from autopeft.study.front import SCALE, Front, FrontRow, Scale, front_of, head_only_accuracy
from autopeft.study.records import INFEASIBLE, PARAMS, Ask, ask, counted, enqueue, open_trials, reap, tell, tell_lost
from autopeft.study.spec import StudySpec
from autopeft.study.stopping import CONFIDENCE, GROWTH, chance_of_growth, out_of_reach
from autopeft.study.storage import DATABASE, load_study, open_study, prepare_folder, storage_url

__all__ = [
    "CONFIDENCE",
    "DATABASE",
    "GROWTH",
    "INFEASIBLE",
    "OUTSIDE",
    "PARAMS",
    "SCALE",
    "Ask",
    "Front",
    "FrontRow",
    "Scale",
    "StudySpec",
    "ask",
    "chance_of_growth",
    "counted",
    "enqueue",
    "extend_study",
    "front_of",
    "head_only_accuracy",
    "load_study",
    "open_study",
    "open_trials",
    "out_of_reach",
    "prepare_folder",
    "reap",
    "storage_url",
    "tell",
    "tell_lost",
]
