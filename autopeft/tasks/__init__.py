"""Tasks: data, splits and metric; from the packaged set, a file, or a data set name; of kinds that a table lists."""

from autopeft.tasks.beside import texts_beside
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
from autopeft.tasks.kind import Sample, TaskKind
from autopeft.tasks.kinds import KINDS, kind_judged_by, kind_named
from autopeft.tasks.load import PACKAGED, PackagedTask, load_task
from autopeft.tasks.metric import Metric
from autopeft.tasks.overview import overview
from autopeft.tasks.routing import TASK_COLUMN
from autopeft.tasks.source import Source
from autopeft.tasks.spec import TaskSpec
from autopeft.tasks.task import Split, Task
from autopeft.tasks.texts import LabelledTexts

__all__ = [
    "IGNORED",
    "KINDS",
    "PACKAGED",
    "TASK_COLUMN",
    "Encoded",
    "LabelledTexts",
    "Metric",
    "PackagedTask",
    "Sample",
    "Source",
    "Split",
    "Task",
    "TaskKind",
    "TaskSpec",
    "batches",
    "choose_max_length",
    "collate",
    "encode",
    "grouped",
    "kind_judged_by",
    "kind_named",
    "load_task",
    "overview",
    "pad_id_of",
    "texts_beside",
    "token_lengths",
]
