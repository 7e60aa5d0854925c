"""What trackers are told of a trial."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autopeft.study import Ask

__all__ = ["TrialRecord", "record_of"]

#: Figures of a point of a curve.
_OF_POINTS = ("accuracy", "loss")


@dataclass(frozen=True)
class TrialRecord:
    """A trial that has ended.

    Args:
        name: What its run is called.
        settings: Every knob of its configuration by its place, such as `modules.lora.rank`; plain values.
        curve: Of each rung its step and its figures.
        figures: Its figures at the end; those of its last rung where it was stopped.
        status: How it ended.
    """

    name: str
    settings: Mapping[str, Any]
    curve: Sequence[tuple[int, Mapping[str, float]]]
    figures: Mapping[str, float]
    status: str


def record_of(trial: Ask, outcome: Mapping[str, Any], params: int) -> TrialRecord:
    """Return what trackers are told of a trial.

    Args:
        trial: The trial.
        outcome: What it brought back; see `autopeft.trials.Outcome`.
        params: Its trainable parameters.
    """
    curve = [
        (int(point["step"]), {name: point[name] for name in _OF_POINTS if name in point})
        for point in outcome.get("curve", ())
    ]
    last = curve[-1][1] if curve else {}
    reached = {**last, **(outcome.get("metrics") or {})}
    if outcome.get("accuracy") is not None:
        reached["accuracy"] = outcome["accuracy"]
    seconds = {name: outcome[name] for name in ("seconds", "step_seconds") if outcome.get(name)}
    return TrialRecord(
        name=f"trial-{trial.number}" + (f"-{trial.baseline}" if trial.baseline else ""),
        settings=dict(_flat("", trial.configuration.to_dict())),
        curve=curve,
        figures={"params": float(params), **reached, **seconds},
        status=str(outcome["status"]),
    )


def _flat(place: str, value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, Mapping):
        return [pair for name, inner in value.items() for pair in _flat(f"{place}.{name}" if place else name, inner)]
    plain = value if isinstance(value, str | int | float | bool) or value is None else json.dumps(value)
    return [(place, plain)]
