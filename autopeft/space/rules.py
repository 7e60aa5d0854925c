"""Constraints on a backbone: whether a configuration keeps them, and whether they can ever apply.

A comparison holds when it holds at every place. Places are matched layer by layer and role by role; a side that
names its role or layer, or a knob that is the same everywhere, goes with all places of the other. Where a knob has no
value (its method is absent, no place is shared) a comparison says nothing, and neither does what rests on it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from autopeft.space.constraint_tree import (
    Arithmetic,
    Comparison,
    KnobOf,
    Logic,
    Node,
    Not,
    Number,
    Present,
    Size,
    Word,
    walk,
)
from autopeft.space.placement import Cell
from autopeft.space.shape import BackboneShape
from autopeft.space.vocabulary import SECTIONS, MethodWords

__all__ = ["Placed", "Rule", "compare", "empty_comparisons", "joined_truth", "on_backbone", "rows_of"]

#: The places of each method, with the values of all its knobs there.
Placed = Mapping[str, Mapping[Cell, Mapping[str, Any]]]

#: A layer and a role, None where a value is the same for all.
_Key = tuple[int | None, str | None]

_TRUTH = {"true": True, "false": False}


@dataclass(frozen=True)
class Rule:
    """A constraint on a backbone.

    Args:
        text: The constraint as written.
        node: What it says, with roles and sizes of the backbone.
    """

    text: str
    node: Node

    def allows(self, placed: Placed, shared: Mapping[str, Any]) -> bool:
        """Tell whether places and knobs of the sections keep the constraint."""
        return _truth(self.node, placed, shared) is not False


def empty_comparisons(node: Node, places: Mapping[str, Iterable[Cell]]) -> bool:
    """Tell whether a comparison in a constraint says nothing even where every method is at all its places."""
    for part in walk(node):
        if isinstance(part, Comparison):
            knobs = [below for below in walk(part) if isinstance(below, KnobOf)]
            everything = {knob.knob: True for knob in knobs}
            everywhere = {name: dict.fromkeys(cells, everything) for name, cells in places.items()}
            if not rows_of(knobs, everywhere, everything):
                return True
    return False


def on_backbone(node: Node, methods: Mapping[str, MethodWords], shape: BackboneShape) -> Node:
    """Return a checked constraint with sizes as numbers and roles as the backbone calls them, where it has them."""
    if isinstance(node, Size):
        return Number(float(shape.hidden if node.unit == "d" else shape.ffn), node.unit)
    if isinstance(node, KnobOf):
        same = node.method in SECTIONS or not methods[node.method].by_name[node.knob].placed
        role = node.role and (shape.resolve(node.role) or node.role)
        return replace(node, role=role, same=same)
    if isinstance(node, Not):
        return Not(on_backbone(node.inner, methods, shape))
    if isinstance(node, Arithmetic | Comparison | Logic):
        left, right = (on_backbone(side, methods, shape) for side in (node.left, node.right))
        return replace(node, left=left, right=right)
    return node


def _truth(node: Node, placed: Placed, shared: Mapping[str, Any]) -> bool | None:
    """Return whether a condition holds; None when it says nothing."""
    if isinstance(node, Present):
        return bool(placed.get(node.method))
    if isinstance(node, Not):
        inner = _truth(node.inner, placed, shared)
        return None if inner is None else not inner
    if isinstance(node, Logic):
        return joined_truth(node.sign, _truth(node.left, placed, shared), _truth(node.right, placed, shared))
    assert isinstance(node, Comparison)
    knobs = [part for part in walk(node) if isinstance(part, KnobOf)]
    rows = _aligned(knobs, placed) or set(rows_of(knobs, placed, shared))
    verdicts = [compare(node, dict(zip(knobs, row, strict=True))) for row in rows]
    known = [verdict for verdict in verdicts if verdict is not None]
    return all(known) if known else None


def joined_truth(sign: str, left: bool | None, right: bool | None) -> bool | None:
    """Return what two conditions joined by `and`, `or` or `=>` come out as; None stands for nothing."""
    if sign == "=>":
        left = None if left is None else not left
    decisive = sign != "and"
    if decisive in (left, right):
        return decisive
    return None if None in (left, right) else not decisive


def rows_of(knobs: list[KnobOf], placed: Placed, shared: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Return the values that knobs have at the same places, one row for each place."""
    return _joined([_table(knob, placed, shared) for knob in knobs])


def _aligned(knobs: list[KnobOf], placed: Placed) -> set[tuple[Any, ...]] | None:
    """Return the values of knobs of one method everywhere, which need no matching; None for other knobs."""
    method = knobs[0].method
    if method not in placed or any((knob.method, knob.role, knob.layer) != (method, None, None) for knob in knobs):
        return None
    names = [knob.knob for knob in knobs]
    rows = {tuple([values.get(name) for name in names]) for values in placed[method].values()}
    return {row for row in rows if None not in row}


def _table(knob: KnobOf, placed: Placed, shared: Mapping[str, Any]) -> dict[_Key, Any]:
    """Return the values of a knob by the layers and roles that it leaves open."""
    if knob.method in SECTIONS:
        value = shared.get(knob.knob)
        return {} if value is None else {(None, None): value}
    table: dict[_Key, Any] = {}
    for cell, values in placed.get(knob.method, {}).items():
        if knob.role in (None, cell.role) and knob.layer in (None, cell.layer):
            value = values.get(knob.knob)
            if value is not None:
                layer = cell.layer if knob.layer is None and cell.layer >= 0 else None
                role = cell.role if knob.role is None else None
                table[(None, None) if knob.same else (layer, role)] = value
    return table


def _joined(tables: list[dict[_Key, Any]]) -> list[tuple[Any, ...]]:
    """Return the values that stand at the same places, one row for each place."""
    rows: list[tuple[_Key, tuple[Any, ...]]] = [((None, None), ())]
    for table in tables:
        if not table or not rows:
            return []
        (layer, role), (its_layer, its_role) = rows[0][0], next(iter(table))
        shared = (layer is not None and its_layer is not None, role is not None and its_role is not None)
        index: dict[_Key, list[tuple[_Key, Any]]] = {}
        for key, value in table.items():
            index.setdefault(_part(key, shared), []).append((key, value))
        rows = [
            ((key[0] if key[0] is not None else other[0], key[1] if key[1] is not None else other[1]), (*values, value))
            for key, values in rows
            for other, value in index.get(_part(key, shared), ())
        ]
    return [values for _, values in rows]


def _part(key: _Key, shared: tuple[bool, bool]) -> _Key:
    return key[0] if shared[0] else None, key[1] if shared[1] else None


def compare(node: Comparison, values: Mapping[KnobOf, Any]) -> bool | None:
    """Return whether a comparison holds where knobs have these values; None where one side has no value."""
    try:
        left, right = _amount(node.left, values), _amount(node.right, values)
    except ZeroDivisionError:
        return None
    if isinstance(left, bool) or isinstance(right, bool):
        left, right = _TRUTH.get(left, left), _TRUTH.get(right, right)
    # Configurations keep 4 digits, so what differs in the last bits only is meant to be equal.
    equal = left == right if isinstance(left, str | bool) else math.isclose(left, right, rel_tol=1e-9)
    return _SIGNS[node.sign](left, right, equal)


_SIGNS: Mapping[str, Callable[[Any, Any, bool], bool]] = {
    "<=": lambda left, right, equal: equal or left < right,
    "<": lambda left, right, equal: not equal and left < right,
    ">=": lambda left, right, equal: equal or left > right,
    ">": lambda left, right, equal: not equal and left > right,
    "==": lambda left, right, equal: equal,
    "!=": lambda left, right, equal: not equal,
}


def _amount(node: Node, values: Mapping[KnobOf, Any]) -> Any:
    if isinstance(node, Number):
        return node.value
    if isinstance(node, Word):
        return node.text
    if isinstance(node, KnobOf):
        return values[node]
    assert isinstance(node, Arithmetic)
    left, right = _amount(node.left, values), _amount(node.right, values)
    if node.sign == "+":
        return left + right
    if node.sign == "-":
        return left - right
    return left * right if node.sign == "*" else left / right
