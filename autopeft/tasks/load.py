"""Load a task from its spec."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from autopeft.errors import DataError
from autopeft.tasks.build import build_task
from autopeft.tasks.files import read_rows
from autopeft.tasks.hub import load_dataset_task
from autopeft.tasks.icd10 import load_icd10
from autopeft.tasks.rows import clean
from autopeft.tasks.spec import TaskSpec
from autopeft.tasks.task import Task

__all__ = ["PACKAGED", "PackagedTask", "load_task"]


@dataclass(frozen=True)
class PackagedTask:
    """A task that comes with the package or one of its extras.

    Args:
        summary: One line for people.
        load: Makes the task, given a metric.
    """

    summary: str
    load: Callable[[str], Task]


PACKAGED: Mapping[str, PackagedTask] = {
    "icd10": PackagedTask("diagnosis description -> one of ten body systems (simple-icd-10-cm)", load_icd10),
}


def load_task(spec: TaskSpec) -> Task:
    """Load a task.

    Args:
        spec: Where its data comes from.

    Raises:
        DataError: When the data cannot be found, read or used.
    """
    if spec.name:
        if spec.name not in PACKAGED:
            near = difflib.get_close_matches(spec.name, PACKAGED, n=1)
            raise DataError(
                f"unknown task '{spec.name}'; expected one of: {', '.join(PACKAGED)}"
                + (f" (did you mean '{near[0]}'?)" if near else "")
                + ", or a file with --data"
            )
        return PACKAGED[spec.name].load(spec.metric)
    if spec.dataset:
        return load_dataset_task(spec)
    columns = [spec.text, *([spec.text2] if spec.text2 else []), spec.label]
    files = {"train": spec.data, "validation": spec.validation, "test": spec.test}
    examples = {split: clean(read_rows(file, columns)) for split, file in files.items() if file}
    return build_task(spec.short_name, spec.metric, examples, seed=spec.seed)
