"""The words of the section `data`, and the knobs that they bring."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autopeft.levers.difficulty import DIFFICULTY
from autopeft.levers.selection import SELECT
from autopeft.space import BoundSpace, Knob
from autopeft.space.domains import Grid
from autopeft.space.knob_plan import KnobPlan
from autopeft.space.word_knobs import WordKnob

__all__ = ["DATA_KNOBS", "DATA_WORDS", "columns_named", "columns_of"]

#: The knobs of the data whose words bring knobs of their own.
DATA_WORDS: tuple[WordKnob[Any], ...] = (SELECT, DIFFICULTY)

#: What the section `data` of a space or a configuration may hold.
DATA_KNOBS: Mapping[str, Knob] = {knob.name: knob for word in DATA_WORDS for knob in word.knobs()}


def columns_named(data: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the columns of training rows that the section `data` of a configuration names, by the knob that does."""
    return {name: [str(value)] for name, value in data.items() if DATA_KNOBS[name].kind == "name"}


def columns_of(space: BoundSpace) -> dict[str, list[str]]:
    """Return the columns of training rows that configurations of a space may name, by the knob that does."""
    plans = {plan.knob.name: plan for plan in space.shared if plan.knob.name in DATA_KNOBS}
    return {
        name: [str(value) for value in _values(plan)]
        for name, plan in plans.items()
        if plan.knob.kind == "name" and _may_be_there(plan, plans)
    }


def _may_be_there(plan: KnobPlan, plans: Mapping[str, KnobPlan]) -> bool:
    given = plan.knob.given
    return given is None or bool(set(given[1]) & set(_values(plans[given[0]])))


def _values(plan: KnobPlan) -> tuple[Any, ...]:
    return plan.domain.values if isinstance(plan.domain, Grid) else ()
