"""Prunings of the frozen weights; a new one is a file and a line here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from autopeft.methods.pruning.heads import DroppedHeads
from autopeft.methods.pruning.matrices import Heads, Matrix, heads_of, matrices_of
from autopeft.methods.pruning.pruner import Pruner
from autopeft.methods.pruning.pruning import Pruning, Saved
from autopeft.methods.pruning.unstructured import Unstructured
from autopeft.space.vocabulary import Knob

__all__ = [
    "PRUNINGS",
    "Heads",
    "Matrix",
    "Pruner",
    "Pruning",
    "Saved",
    "heads_of",
    "matrices_of",
    "pruning_knobs",
    "pruning_of",
]

PRUNINGS: dict[str, Pruning] = {each.name: each for each in (Unstructured(), DroppedHeads())}

#: The knob of training that asks for one, and its word for none.
_KNOB, _NONE = "pruning", "none"


class Asked(NamedTuple):
    """A pruning that a configuration asks for, with its knobs."""

    pruning: Pruning
    knobs: Mapping[str, Any]


def pruning_knobs(excludes: tuple[str, ...]) -> Iterator[Knob]:
    """Yield the knobs of training that prunings bring: which one, and the knobs of each.

    Args:
        excludes: Methods that have weights of their own in place of the frozen ones.
    """
    yield Knob(
        _KNOB,
        "choice",
        "what of the frozen weights becomes 0 on the way (Chen et al. 2021)",
        default=_NONE,
        choices=(_NONE, *PRUNINGS),
        unsaid=True,
        excludes=excludes,
    )
    for name, pruning in PRUNINGS.items():
        for knob in (*pruning.knobs, pruning.at):
            yield replace(knob, name=f"{name}_{knob.name}", given=(_KNOB, (name,)))


def pruning_of(training: Mapping[str, Any]) -> Asked | None:
    """Return the pruning that a configuration asks for; None where it asks for none.

    Args:
        training: The configuration's knobs of training.
    """
    name = training.get(_KNOB, _NONE)
    if name == _NONE:
        return None
    own = f"{name}_"
    return Asked(PRUNINGS[name], {key.removeprefix(own): training[key] for key in training if key.startswith(own)})
