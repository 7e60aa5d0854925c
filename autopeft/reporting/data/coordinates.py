"""Trials as lines over their objectives and the knobs that mattered most."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from optuna.trial import FrozenTrial

from autopeft.costs import OBJECTIVES
from autopeft.reporting.chart import Absent
from autopeft.reporting.data.importance import knob_importances
from autopeft.reporting.data.knobs import active_params, bound_space, trials_of_space
from autopeft.reporting.run import ReportedTrial, Run
from autopeft.space.parameters import Parameter

__all__ = ["Coordinate", "CoordinateLine", "Coordinates", "parallel_coordinates"]

#: Knobs shown at most, beside the objectives.
_KNOBS = 7

#: Labels of an axis at most.
_LABELS = 8


@dataclass(frozen=True)
class Coordinate:
    """One of the upright axes.

    Args:
        name: Its name.
        labels: Places from 0 to 1 with what stands there.
    """

    name: str
    labels: tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class CoordinateLine:
    """One trial.

    Args:
        trial: The trial.
        places: Where it crosses each axis, from 0 to 1; None where the knob did not matter.
    """

    trial: ReportedTrial
    places: tuple[float | None, ...]


@dataclass(frozen=True)
class Coordinates:
    """Axes and the trials across them."""

    axes: tuple[Coordinate, ...]
    lines: tuple[CoordinateLine, ...]


def parallel_coordinates(run: Run) -> Coordinates | Absent:
    """Return the finished trials of the space over the knobs that varied, the costs and the accuracy."""
    space = bound_space(run)
    if isinstance(space, Absent):
        return space
    told = trials_of_space(run)
    if len(told) < 2:
        return Absent("fewer than two trials of the space have finished")
    active = [active_params(trial, space) for trial in told]
    knobs = [
        parameter
        for name in _by_importance(run)
        for parameter in space.parameters
        if parameter.name == name and len({params[name] for params in active if name in params}) > 1
    ][:_KNOBS]
    columns = [_knob(parameter, [params.get(parameter.name) for params in active]) for parameter in knobs]
    columns += [_cost(name, place, told) for place, name in enumerate(run.result.scale.costs)]
    columns.append(_numbers(run.metric, [trial.values[-1] for trial in told], "{:.3f}".format, log=False))
    places = zip(*(places for _, places in columns), strict=True)
    lines = [CoordinateLine(run.by_number[trial.number], along) for trial, along in zip(told, places, strict=True)]
    return Coordinates(
        tuple(axis for axis, _ in columns), tuple(sorted(lines, key=lambda line: line.trial.standing == "front"))
    )


def _by_importance(run: Run) -> list[str]:
    """Return the knobs by what they mattered for accuracy; in their own order where that is not known."""
    found = knob_importances(run)
    if isinstance(found, Absent):
        return list(dict.fromkeys(name for trial in trials_of_space(run) for name in trial.params))
    return [name for name, _ in found[0].shares]


_Column = tuple[Coordinate, tuple[float | None, ...]]


def _knob(parameter: Parameter, values: Sequence[Any]) -> _Column:
    places = tuple(None if value is None else parameter.unit(value) for value in values)
    if parameter.values is None:
        return Coordinate(parameter.name, _ends(parameter.low, parameter.high, parameter.log, "{:.2g}".format)), places
    every = parameter.every()
    apart = math.ceil(len(every) / _LABELS)
    labels = tuple((parameter.unit(value), _word(parameter, value)) for value in every[::apart])
    return Coordinate(parameter.name, labels), places


def _word(parameter: Parameter, value: Any) -> str:
    assert parameter.values is not None, "a number has no words"
    shown = parameter.values[value] if parameter.ordered else value
    if len(parameter.values) == 2 and set(parameter.values) <= {0, 1}:
        return "yes" if shown else "no"
    return "off" if shown == 0 else str(shown)


def _cost(name: str, place: int, told: Sequence[FrozenTrial]) -> _Column:
    return _numbers(name, [trial.values[place] for trial in told], OBJECTIVES[name].shown, log=True)


def _numbers(name: str, values: Sequence[float], shown: Callable[[float], str], *, log: bool) -> _Column:
    """Return the axis of an objective over the range of its values; costs of 0 stand at the lowest other one."""
    floor = min((value for value in values if value > 0), default=1.0) if log else min(values)
    known = [max(value, floor) for value in values]
    low, high = min(known), max(known)

    def place(value: float) -> float:
        if high <= low:
            return 0.5
        return math.log(value / low) / math.log(high / low) if log else (value - low) / (high - low)

    return Coordinate(name, _ends(low, high, log, shown)), tuple(place(value) for value in known)


def _ends(low: float, high: float, log: bool, shown: Callable[[float], str]) -> tuple[tuple[float, str], ...]:
    if high <= low:
        return ((0.5, shown(low)),)
    middle = math.sqrt(low * high) if log else (low + high) / 2
    return ((0.0, shown(low)), (0.5, shown(middle)), (1.0, shown(high)))
