"""Knobs of training that only some kinds of task have; the trials of a kind name those that they go by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from autopeft.space.vocabulary import Knob

__all__ = ["BETA", "KIND_KNOBS", "beta_in", "unknown_to"]

#: The usual value of `BETA`, TRL's.
_BETA = 0.1

#: How strongly training by preferences keeps to the untouched model (Rafailov et al. 2023, arXiv:2305.18290, eq. 7).
BETA = Knob(
    "beta",
    "float",
    "how strongly training by preferences keeps a model to the untouched one (DPO)",
    default=_BETA,
    low=1e-3,
    high=10.0,
    unsaid=True,
)

#: By name.
KIND_KNOBS: Mapping[str, Knob] = {BETA.name: BETA}


def beta_in(training: Mapping[str, Any]) -> float:
    """Return how strongly a configuration's knobs of training keep to the untouched model."""
    return float(training.get(BETA.name, _BETA))


def unknown_to(names: Iterable[str], known: Iterable[str]) -> list[str]:
    """Return those of some knobs of training that a kind of task does not go by.

    Args:
        names: The knobs.
        known: Those of `KIND_KNOBS` that it goes by.
    """
    return sorted(set(names) & (set(KIND_KNOBS) - set(known)))
