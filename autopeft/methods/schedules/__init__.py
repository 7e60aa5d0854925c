"""Layer schedules: which of what trains is trained at a step; a new one is a file and a line here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from autopeft.methods.schedules.hft import Hft
from autopeft.methods.schedules.ist import Ist
from autopeft.methods.schedules.lisa import Lisa
from autopeft.methods.schedules.places import Place, places_of
from autopeft.methods.schedules.running import Running
from autopeft.methods.schedules.schedule import LayerSchedule
from autopeft.space.vocabulary import Knob

__all__ = ["SCHEDULES", "LayerSchedule", "Place", "Running", "places_of", "schedule_knobs", "schedule_of"]

SCHEDULES: dict[str, LayerSchedule] = {schedule.name: schedule for schedule in (Lisa(), Hft(), Ist())}

#: The knob of training that asks for one, and its word for none.
_KNOB, _NONE = "schedule", "none"


def schedule_knobs(excludes: tuple[str, ...]) -> Iterator[Knob]:
    """Yield the knobs of training that schedules bring: which one, and the knobs of each.

    Args:
        excludes: Methods that none can be beside.
    """
    yield Knob(
        _KNOB,
        "choice",
        "which of what trains is trained at a step",
        default=_NONE,
        choices=(_NONE, *SCHEDULES),
        unsaid=True,
        excludes=excludes,
    )
    for name, schedule in SCHEDULES.items():
        for knob in schedule.knobs:
            yield replace(knob, name=f"{name}_{knob.name}", given=(_KNOB, (name,)))


def schedule_of(training: Mapping[str, Any]) -> tuple[LayerSchedule, dict[str, Any]] | None:
    """Return the schedule that a configuration asks for, and its knobs; None where it asks for none.

    Args:
        training: The configuration's knobs of training.
    """
    name = training.get(_KNOB, _NONE)
    if name == _NONE:
        return None
    return SCHEDULES[name], {knob.name: training[f"{name}_{knob.name}"] for knob in SCHEDULES[name].knobs}
