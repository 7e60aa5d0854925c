"""Whether adapters that differ by task are for as many tasks as are trained together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from autopeft.errors import ConfigurationError
from autopeft.methods import TASKS, told_apart
from autopeft.space import BoundSpace
from autopeft.tasks import Task
from autopeft.trials import kind_of

__all__ = ["check_space_told", "check_told"]


def check_told(modules: Mapping[str, Mapping[str, Any]], task: Task, where: str) -> None:
    """Check that the methods of a configuration tell apart the tasks that are trained together, or none.

    Args:
        modules: The methods with their knobs.
        task: What is trained on.
        where: Whose they are, for the message.

    Raises:
        ConfigurationError: When they tell apart as many as there are not.
    """
    _check(told_apart(modules).items(), task, where)


def check_space_told(bound: BoundSpace, task: Task) -> None:
    """Check the same of all that a space has; arguments and errors likewise."""
    plans = [(method.words.name, plan) for method in bound.methods for plan in method.knobs if plan.knob.name == TASKS]
    values = [(name, value) for name, plan in plans for value in getattr(plan.domain, "values", ())]
    _check([(name, value) for name, value in values if value > 1], task, f"space {bound.name!r}")


def _check(told: Iterable[tuple[str, int]], task: Task, where: str) -> None:
    together = kind_of(task).weighs
    for name, count in told:
        if count != together:
            held = f"{together} are trained together" if together else "here nothing is trained by mixture: joint"
            fitting = f"1 or {together}" if together else "1"
            raise ConfigurationError(
                f"{where}: modules.{name}.{TASKS}: {count} tasks are told apart, but {held}; expected {fitting}"
            )
