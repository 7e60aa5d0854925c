"""Chance that goes by what is known in a study, not by the numbers its trials happen to have.

A trial whose worker died comes back under another number. A search that goes on after that draws as though nothing had
happened, because its draws follow from the seed and from what has been proposed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from autopeft.samplers.own_trials import own_trials

__all__ = ["chance", "params_of", "plain_chance"]

#: Where Optuna keeps the parameters of a trial in line, which become its own as it suggests them.
_IN_LINE = "fixed_params"


def chance(seed: int, known: Iterable[str], undecided: int, purpose: str = "") -> np.random.Generator:
    """Return the source of chance of a proposal.

    Args:
        seed: Seed of everything random.
        known: Texts of what has been proposed so far, in any order.
        undecided: Trials that began earlier and have no parameters yet; workers that ask at the same time differ by it.
        purpose: Tells apart draws that know the same.
    """
    words = [str(undecided), purpose, *sorted(known)]
    digest = hashlib.sha256("\n".join(words).encode()).digest()
    return np.random.default_rng([seed, *np.frombuffer(digest, dtype=np.uint32).tolist()])


def plain_chance(seed: int, study: Study, trial: FrozenTrial, purpose: str = "") -> np.random.Generator:
    """Return the source of chance of a proposal to a study whose space is not known.

    Args:
        seed: Seed of everything random.
        study: The study.
        trial: The trial that is asked for.
        purpose: Tells apart draws that know the same.
    """
    others = [other for other in own_trials(study) if other.number != trial.number]
    undecided = sum(
        other.state == TrialState.RUNNING and not params_of(other) and other.number < trial.number for other in others
    )
    return chance(seed, _proposed(others), undecided, purpose)


def params_of(trial: FrozenTrial) -> dict[str, Any]:
    """Return the parameters a trial has, or, where it waits in line, will have."""
    return trial.system_attrs.get(_IN_LINE, {}) | trial.params


def _proposed(trials: Sequence[FrozenTrial]) -> list[str]:
    """Return what trials have tried; a failed trial whose parameters were put in line again counts once."""
    retried = [trial.system_attrs[_IN_LINE] for trial in trials if _IN_LINE in trial.system_attrs]
    texts = []
    for trial in trials:
        params = params_of(trial)
        if trial.state == TrialState.FAIL and params in retried:
            retried.remove(params)
        elif params:
            texts.append(repr(sorted(params.items())))
    return texts
