"""Configurations in words, short enough for a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

__all__ = ["describe", "layers_in_words"]

_SHORT = {"rank": "r", "alpha": "a", "learning_rate": "lr"}
#: Knobs that need no name beside their method's.
_PLAIN = ("size", "length")


def describe(data: Mapping[str, Any]) -> str:
    """Say a canonical configuration in words, e.g. `lora r=8 a=16 q,v @0-5 + prefix 4 @2, lr 0.0003, lisa layers=2`."""
    if not data["modules"]:
        return "no adapters"
    parts = [_module(name, knobs) for name, knobs in data["modules"].items()]
    return ", ".join([" + ".join(parts), *_shared(data["training"]), *_levers(data.get("data", {}))])


def layers_in_words(layers: Sequence[int]) -> str:
    """Write sorted layers as ranges: `0-2,5`."""
    runs = []
    for _, group in groupby(enumerate(layers), key=lambda pair: pair[1] - pair[0]):
        run = [layer for _, layer in group]
        runs.append(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}")
    return ",".join(runs)


def _shared(knobs: Mapping[str, Any]) -> list[str]:
    """Say each knob of a section; those that are there with a word go with it, where their names begin with it."""
    words = {str(value): name for name, value in knobs.items() if isinstance(value, str)}
    beside = {name: word for name in knobs for word in words if name.startswith(f"{word}_")}
    plain = (name for name in knobs if name not in beside and name not in words.values())
    found = [f"{_SHORT.get(name, name)} {_value(knobs[name])}" for name in plain]
    for word, asking in words.items():
        if asking not in beside:
            own = (name for name in beside if beside[name] == word)
            found.append(" ".join([word, *(f"{name.removeprefix(f'{word}_')}={_value(knobs[name])}" for name in own)]))
    return found


def _levers(knobs: Mapping[str, Any]) -> list[str]:
    """Say each knob of the data by name, and those whose names begin with its word with it: `augment eda rate=0.1`."""
    words = {value for value in knobs.values() if isinstance(value, str)}
    beside = {name: word for name in knobs for word in words if name.startswith(f"{word}_")}
    found = []
    for name, value in knobs.items():
        if name not in beside:
            own = (
                f"{each.removeprefix(f'{value}_')}={_value(knobs[each])}" for each in beside if beside[each] == value
            )
            found.append(" ".join([name, _value(value), *own]))
    return found


def _module(name: str, knobs: Mapping[str, Any]) -> str:
    words = [name]
    for knob, value in sorted(knobs.items(), key=lambda item: _rank(item[0])):
        if knob == "layers":
            words.append(f"@{layers_in_words(value)}")
        elif knob == "targets":
            words.append(",".join(value))
        elif knob == "alpha" and (ratio := _ratio(value, knobs.get("rank"))):
            words.append(f"a={ratio}r")
        else:
            prefix = "" if knob in _PLAIN else f"{_SHORT.get(knob, knob)}="
            words.append(prefix + _value(value))
    return " ".join(words)


def _rank(knob: str) -> tuple[int, str]:
    order = {"rank": 0, "size": 0, "length": 0, "alpha": 1, "targets": 8, "layers": 9}
    return order.get(knob, 5), knob


def _ratio(alpha: Any, rank: Any) -> str | None:
    """Return the one ratio of alphas to ranks that differ from place to place; None where there is none."""
    if not (isinstance(alpha, dict) and isinstance(rank, dict) and alpha.keys() == rank.keys()):
        return None
    ratios = {f"{alpha[key] / rank[key]:g}" for key in rank}
    return ratios.pop() if len(ratios) == 1 else None


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + " ".join(f"{key}:{item}" for key, item in _together(value)) + "}"
    if isinstance(value, str) and len(value.split()) != 1:
        return repr(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _together(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what stands where, layers of equal value as ranges."""
    if not all(key.isdecimal() for key in values):
        return [(key, _value(item)) for key, item in values.items()]
    layers: dict[str, list[int]] = {}
    for layer in sorted(map(int, values)):
        layers.setdefault(_value(values[str(layer)]), []).append(layer)
    return [(layers_in_words(where), value) for value, where in layers.items()]
