"""Layer schedules: which of what trains is trained at a step; a new one is a file and a line here."""

from __future__ import annotations

from autopeft.methods.schedules.hft import Hft
from autopeft.methods.schedules.ist import Ist
from autopeft.methods.schedules.lisa import Lisa
from autopeft.methods.schedules.places import Place, places_of
from autopeft.methods.schedules.running import Running
from autopeft.methods.schedules.schedule import LayerSchedule
from autopeft.space.word_knobs import WordKnob

__all__ = ["SCHEDULE", "LayerSchedule", "Place", "Running", "places_of"]

#: The knob of training that asks for one.
SCHEDULE = WordKnob[LayerSchedule](
    "schedule",
    "which of what trains is trained at a step",
    {schedule.name: schedule for schedule in (Lisa(), Hft(), Ist())},
)
