"""Load a task from its spec."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from autopeft.errors import DataError
from autopeft.tasks.build import classification_task
from autopeft.tasks.causal import CausalTask, build_causal_task, recognise
from autopeft.tasks.hub import read_dataset
from autopeft.tasks.icd10 import load_icd10
from autopeft.tasks.metrics import USUAL
from autopeft.tasks.spec import TaskSpec
from autopeft.tasks.tables import Table, is_source, read_source
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
    tables = _tables(spec)
    form = recognise(spec, tables["train"].columns)
    if form is not None:
        return build_causal_task(spec, form, tables)
    return classification_task(spec, tables)


def _tables(spec: TaskSpec) -> dict[str, Table]:
    """Read the splits that a spec names."""
    named = [column for column in spec.columns if column]
    source = spec.data or str(spec.dataset)
    local = spec.data is not None or (spec.subset is None and is_source(source))
    tables = read_source(source, named) if local else read_dataset(source, spec.subset, named)
    for split, file in (("validation", spec.validation), ("test", spec.test)):
        if file:
            [table] = _alone(file, read_source(file, named)).values()
            # The split that was named stands, whatever the folder holds.
            said = (f"taken in place of the {split} split of {source}",) if split in tables else ()
            tables[split] = replace(table, notes=(*table.notes, *said))
    return tables


def _alone(file: str, parts: dict[str, Table]) -> dict[str, Table]:
    if len(parts) > 1:
        raise DataError(f"'{file}' holds {' and '.join(parts)}; expected the rows of one split")
    return parts
