"""The words of the section `data`, and the knobs that they bring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from autopeft.levers.augmentation import AUGMENT
from autopeft.levers.column import COLUMN, NO_COLUMN
from autopeft.levers.contrast import CONTRASTIVE
from autopeft.levers.difficulty import DIFFICULTY
from autopeft.levers.selection import SELECT
from autopeft.space import BoundSpace, Knob
from autopeft.space.domains import Grid
from autopeft.space.knob_plan import KnobPlan
from autopeft.space.vocabulary import WORDY
from autopeft.space.word_knobs import WordKnob

__all__ = ["DATA_KNOBS", "DATA_WORDS", "column_knobs", "inputs_changed", "words_named", "words_of"]

#: The knobs of the data whose words bring knobs of their own.
DATA_WORDS: tuple[WordKnob[Any], ...] = (SELECT, DIFFICULTY, AUGMENT, CONTRASTIVE)

#: What the section `data` of a space or a configuration may hold.
DATA_KNOBS: Mapping[str, Knob] = {
    knob.name: knob for knob in (*(each for word in DATA_WORDS for each in word.knobs()), COLUMN)
}

#: The words that ask for nothing, by the knob.
_NOTHING = {COLUMN.name: NO_COLUMN, **{word.name: word.nothing for word in DATA_WORDS}}


def words_named(data: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return what the section `data` of a configuration asks for in words, columns among them, by the knob."""
    return _asked({name: [value] for name, value in data.items()})


def words_of(space: BoundSpace) -> dict[str, list[str]]:
    """Return what configurations of a space may ask for of the data in words, columns among them, by the knob."""
    plans = {plan.knob.name: plan for plan in space.shared if plan.knob.name in DATA_KNOBS}
    return _asked({name: _values(plan) for name, plan in plans.items() if _may_be_there(plan, plans)})


def column_knobs(asked: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    """Return of what is asked for in words those that are columns of training rows, by the knob that names them."""
    return {name: words for name, words in asked.items() if DATA_KNOBS[name].kind == "name"}


def inputs_changed(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the knobs of a configuration's data that change what is read of training rows; none where nothing does."""
    found = {name: data[name] for name in (COLUMN.name,) if name in data}
    asked = AUGMENT.asked(data)
    if asked is not None and asked.word.rewrites:
        found |= {f"{asked.word.name}_{name}": value for name, value in asked.knobs.items()}
        found[AUGMENT.name] = asked.word.name
    return found


def _asked(given: Mapping[str, Sequence[Any]]) -> dict[str, list[str]]:
    found = {
        name: [str(value) for value in values if value != _NOTHING.get(name)]
        for name, values in given.items()
        if DATA_KNOBS[name].kind in WORDY
    }
    return {name: words for name, words in found.items() if words}


def _may_be_there(plan: KnobPlan, plans: Mapping[str, KnobPlan]) -> bool:
    given = plan.knob.given
    return given is None or bool(set(given[1]) & set(_values(plans[given[0]])))


def _values(plan: KnobPlan) -> tuple[Any, ...]:
    return plan.domain.values if isinstance(plan.domain, Grid) else ()
