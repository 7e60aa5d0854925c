"""Further columns of training rows, which data levers go by: the data is read again with them, and they are checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from autopeft.launch.groundwork import Groundwork
from autopeft.tasks import load_task
from autopeft.trials import check_levers, kind_of

__all__ = ["with_columns"]


def with_columns(ground: Groundwork, *named: Mapping[str, Sequence[str]]) -> Groundwork:
    """Return groundwork whose task knows what its training rows hold in the columns that levers go by.

    Args:
        ground: The groundwork.
        named: The columns that spaces or configurations name, by the knob of the data that does.

    Raises:
        AutopeftError: When there is no such column, or it does not hold what the knob goes by.
    """
    columns: dict[str, list[str]] = {}
    for each in named:
        for knob, names in each.items():
            columns[knob] = [*dict.fromkeys([*columns.get(knob, ()), *names])]
    if not columns:
        return ground
    beside = tuple(dict.fromkeys(name for names in columns.values() for name in names))
    spec = replace(ground.task_spec, beside=beside)
    task = kind_of(ground.task).fitted(load_task(spec), ground.backbone)
    check_levers(columns, task)
    return replace(ground, task_spec=spec, task=task)
