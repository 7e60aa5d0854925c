"""A search for an export target: what the target cannot express is left out beforehand."""

from __future__ import annotations

from collections.abc import Callable

from autopeft.backbones import Backbone
from autopeft.errors import ConfigurationError
from autopeft.exporting import refusal, target_named, unable
from autopeft.space import Configuration
from autopeft.tasks import Task
from autopeft.trials import kind_of

__all__ = ["Refuses", "nothing", "refuses_for"]

#: Says why a configuration shall not be proposed; None when it may be.
Refuses = Callable[[Configuration], str | None]


def nothing(configuration: Configuration) -> None:
    """Refuse nothing."""
    return


def refuses_for(name: str | None, task: Task, backbone: Backbone) -> Refuses:
    """Return what a search for a target refuses; nothing where there is no target.

    Raises:
        AutopeftError: When there is no such target.
        ConfigurationError: When it cannot train the task or the backbone at all.
    """
    if name is None:
        return nothing
    target = target_named(name)
    reason = unable(target, task, backbone)
    if reason:
        raise ConfigurationError(f"{reason}; expected another --target, or none")
    kind = kind_of(task)
    return lambda configuration: refusal(target, configuration, backbone, kind)
