"""The smallest selections of training rows that configurations of a space may ask for."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

from autopeft.levers.selection import SELECT
from autopeft.space import BoundSpace
from autopeft.space.domains import Continuous, Grid

__all__ = ["smallest_selections"]

#: The knob that says how much is selected.
_SHARE = "share"

#: Of more values of another knob the first and the last are looked at.
_EVERY = 4


def smallest_selections(space: BoundSpace) -> list[dict[str, Any]]:
    """Return sections of the data with the smallest share of a space, for each way to select and its other knobs."""
    plans = {plan.knob.name: plan.domain for plan in space.shared}
    if SELECT.name not in plans:
        return []
    found = []
    for word in _values(plans[SELECT.name]):
        if word == SELECT.nothing:
            continue
        least = {SELECT.name: word, _SHARE: min(_values(plans[_SHARE]))}
        names = [f"{word}_{knob.name}" for knob in SELECT.words[word].knobs]
        for values in product(*(_values(plans[name]) for name in names)):
            found.append({**least, **dict(zip(names, values, strict=True))})
    return found


def _values(domain: Grid | Continuous) -> Sequence[Any]:
    if isinstance(domain, Continuous):
        return domain.low, domain.high
    values = domain.values
    return values if len(values) <= _EVERY or not domain.ordered else (values[0], values[-1])
