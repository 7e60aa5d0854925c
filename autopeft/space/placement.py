"""Where a method sits: cells (layer, role), and the short form in which configurations write them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from autopeft.space.configuration import Configuration
from autopeft.space.shape import ROLES, BackboneShape
from autopeft.space.vocabulary import MethodWords, Vocabulary

__all__ = ["WHOLE", "Cell", "assemble", "cells", "is_key", "look_up", "parse_layers", "rename_role", "specificity"]


class Cell(NamedTuple):
    """One place of a backbone.

    Args:
        layer: Index of the transformer layer; -1 for methods placed once in the whole model.
        role: Role of the matrix; None for methods placed layer by layer.
    """

    layer: int
    role: str | None


#: The layers of a method that is placed once in the whole model.
WHOLE = (-1,)

_ROLE_ORDER = {role: index for index, role in enumerate(ROLES)}
_KEY = re.compile(r"(?:(\d+)(?:-(\d+))?)?(?:(?<=\d)\.(?=[a-z]))?([a-z]+)?")


def cells(configuration: Configuration, vocabulary: Vocabulary) -> dict[str, dict[Cell, dict[str, Any]]]:
    """Return every place of every method of a canonical configuration, each with the values of all knobs."""
    return {name: _expand(vocabulary.methods[name], knobs) for name, knobs in configuration.modules.items()}


def assemble(words: MethodWords, places: Mapping[Cell, Mapping[str, Any]]) -> dict[str, Any]:
    """Write the places of one method in canonical short form; the inverse of what `cells` reads.

    A placed knob is one value where it is the same everywhere, else a mapping by layer ("0"), by role ("q")
    or by both ("0.q"), the first that is exact. Where roles differ between layers, the gate knob's mapping
    by both says where the places are.

    Args:
        words: The method.
        places: At least one place, with the values of all knobs.
    """
    layers = sorted({cell.layer for cell in places})
    roles = sorted({cell.role for cell in places if cell.role}, key=_ROLE_ORDER.__getitem__)
    full = len(places) == len(layers) * max(len(roles), 1)
    written: dict[str, Any] = {} if words.placement == "model" else {"layers": layers}
    if words.has_roles:
        written["targets"] = roles
    first = next(iter(places.values()))
    for knob in words.knobs:
        if knob.kind == "roles":
            continue
        if not knob.placed:
            if first[knob.name] != knob.default:
                written[knob.name] = first[knob.name]
        elif knob.gate and not full:
            written[knob.name] = {_key(cell): values[knob.name] for cell, values in places.items()}
        else:
            written[knob.name] = _compress({cell: values[knob.name] for cell, values in places.items()})
    return written


def parse_layers(text: str) -> list[int] | None:
    """Read `3` or `0-5`; None when it is neither, or runs backwards."""
    match = re.fullmatch(r"(\d{1,4})(?:\s*-\s*(\d{1,4}))?", text.strip())
    if match is None:
        return None
    low = int(match[1])
    return list(range(low, int(match[2] or low) + 1)) or None


def look_up(value: Mapping[Any, Any], cell: Cell) -> Any:
    """Return what a placed knob's mapping says of a place, the most specific key first; None for nothing."""
    fitting = {key: rank for key in value if (rank := specificity(key, cell))}
    return value[max(fitting, key=fitting.__getitem__)] if fitting else None


def specificity(key: Any, cell: Cell) -> int:
    """Tell how closely a placed knob's key fits a place: 0 not at all, the higher the closer."""
    match = _KEY.fullmatch(str(key).strip())
    if match is None:
        return 0
    low, high, role = match.groups()
    if (role is not None and role != cell.role) or (low and not int(low) <= cell.layer <= int(high or low)):
        return 0
    return 4 * (role is not None) + 2 * (low is not None) + (low is not None and high is None)


def rename_role(key: Any, shape: BackboneShape) -> str:
    """Return a placed knob's key with its role, if any, as the backbone calls it: `0.q` is `0.qkv` on GPT-2."""
    layers, dot, last = str(key).strip().rpartition(".")
    return f"{layers}{dot}{shape.resolve(last) or last}"


def is_key(text: Any) -> bool:
    """Tell whether a text can be a key of a placed knob: `0`, `0-5`, `q`, `0.q`, `0-5.q`."""
    match = _KEY.fullmatch(str(text).strip())
    return match is not None and any(match.groups()) and (match[3] is None or match[3] in ROLES)


def _expand(words: MethodWords, knobs: Mapping[str, Any]) -> dict[Cell, dict[str, Any]]:
    roles: Iterable[str | None] = knobs["targets"] if words.has_roles else (None,)
    constant = {
        knob.name: knobs.get(knob.name, knob.default)
        for knob in words.knobs
        if knob.kind != "roles" and not isinstance(knobs.get(knob.name), dict)
    }
    varying = {name: _by_key(value) for name, value in knobs.items() if isinstance(value, dict)}
    gate = words.gate
    places: dict[Cell, dict[str, Any]] = {}
    for layer in WHOLE if words.placement == "model" else knobs["layers"]:
        for role in roles:
            cell = Cell(layer, role)
            values = dict(constant)
            for name, table in varying.items():
                values[name] = table.get(cell, table.get(Cell(layer, None), table.get(Cell(-1, role))))
            if gate is None or values[gate.name] is not None:
                places[cell] = values
    return places


def _by_key(value: Mapping[str, Any]) -> dict[Cell, Any]:
    return {_cell_of(key): item for key, item in value.items()}


@lru_cache(maxsize=4096)
def _cell_of(key: str) -> Cell:
    layer, _, role = key.rpartition(".") if "." in key else ("", "", key)
    if role.isdigit():
        return Cell(int(role), None)
    return Cell(int(layer) if layer else -1, role)


def _key(cell: Cell) -> str:
    return str(cell.layer) if cell.role is None else f"{cell.layer}.{cell.role}"


def _compress(values: Mapping[Cell, Any]) -> Any:
    distinct = set(values.values())
    if len(distinct) == 1:
        return distinct.pop()
    by_layer: dict[str, Any] = {}
    if all(by_layer.setdefault(str(cell.layer), value) == value for cell, value in values.items()):
        return by_layer
    by_role: dict[str, Any] = {}
    if all(by_role.setdefault(str(cell.role), value) == value for cell, value in values.items()):
        return by_role
    return {_key(cell): value for cell, value in values.items()}
