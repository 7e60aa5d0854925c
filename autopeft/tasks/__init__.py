"""Tasks: data, splits and metric; from the packaged set, a file, or a data set name."""

from autopeft.tasks.answers import ANSWER_METRICS
from autopeft.tasks.causal import CausalSplit, CausalTask, encode_causal
from autopeft.tasks.encoding import (
    IGNORED,
    Encoded,
    batches,
    choose_max_length,
    collate,
    encode,
    grouped,
    pad_id_of,
    token_lengths,
)
from autopeft.tasks.load import PACKAGED, PackagedTask, load_task
from autopeft.tasks.metrics import CAUSAL_METRICS, CHOICE_METRIC, METRICS, WORST, confusion, score
from autopeft.tasks.overview import overview
from autopeft.tasks.spec import TaskSpec
from autopeft.tasks.task import Split, Task

__all__ = [
    "ANSWER_METRICS",
    "CAUSAL_METRICS",
    "CHOICE_METRIC",
    "IGNORED",
    "METRICS",
    "PACKAGED",
    "WORST",
    "CausalSplit",
    "CausalTask",
    "Encoded",
    "PackagedTask",
    "Split",
    "Task",
    "TaskSpec",
    "batches",
    "choose_max_length",
    "collate",
    "confusion",
    "encode",
    "encode_causal",
    "grouped",
    "load_task",
    "overview",
    "pad_id_of",
    "score",
    "token_lengths",
]
