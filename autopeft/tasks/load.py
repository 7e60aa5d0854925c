"""Load a task from its spec."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from autopeft.errors import DataError
from autopeft.tasks.build import build_task
from autopeft.tasks.causal import CausalTask, build_causal_task, recognise
from autopeft.tasks.files import Table, read_rows, read_table
from autopeft.tasks.hub import dataset_task, load_parts
from autopeft.tasks.icd10 import load_icd10
from autopeft.tasks.metrics import USUAL
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


def load_task(spec: TaskSpec) -> Task | CausalTask:
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
        return PACKAGED[spec.name].load(spec.metric or USUAL)
    if spec.dataset:
        parts = load_parts(spec)
        form = recognise(spec, parts["train"].column_names)
        if form is None:
            return dataset_task(spec, parts)
        return build_causal_task(spec, form, {split: _table(spec, split, part) for split, part in parts.items()})
    files = {"train": spec.data, "validation": spec.validation, "test": spec.test}
    given = {split: file for split, file in files.items() if file}
    form = recognise(spec, read_table(given["train"], ()).columns)
    if form is not None:
        return build_causal_task(spec, form, {split: read_table(file) for split, file in given.items()})
    columns = [spec.text_column, *([spec.text2] if spec.text2 else []), spec.label_column]
    examples = {split: clean(read_rows(file, columns)) for split, file in given.items()}
    return build_task(spec.short_name, spec.metric or USUAL, examples, seed=spec.seed)


def _table(spec: TaskSpec, split: str, part: Any) -> Table:
    rows = [(f"row {number}", row) for number, row in enumerate(part, 1)]
    return Table(f"{spec.dataset} ({split})", tuple(part.column_names), rows)
