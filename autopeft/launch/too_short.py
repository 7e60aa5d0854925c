"""Whether the first trials of a search have learned anything, so that nobody waits for the others in vain."""

from __future__ import annotations

import math

import optuna
from optuna.trial import FrozenTrial, TrialState

from autopeft.launch.preparation import Preparation
from autopeft.samplers import own_trials

__all__ = ["SAID", "too_short"]

#: The study's user attribute that says that this has been looked at.
SAID = "first_trials_looked_at"

#: So many finished trials with adapters are looked at.
_FEW = 4

#: Standard errors by which one of them has to be better.
_SURE = 2.0


def too_short(prepared: Preparation, study: optuna.Study) -> str | None:
    """Say that the first few trials do no better than what nobody has to train, and what to raise; once.

    That is the answer that suits most examples; where there is none, the untouched model.

    Args:
        prepared: The search.
        study: Its study, of which a trial has just finished.
    """
    if SAID in study.user_attrs:
        return None
    finished = [trial for trial in own_trials(study) if _ended(trial)]
    adapted = [trial.values[-1] for trial in finished if not _untouched(trial)]
    if len(adapted) < _FEW:
        return None
    study.set_user_attr(SAID, True)
    task, setting = prepared.task, prepared.setting
    guessed, what = task.kind.guessed(task), "telling the same of everything"
    if guessed is not None:
        floor = task.judge.signed(guessed)
        # A share of right answers has this spread; of another figure no more is known than that it is at most a coin's.
        spread = guessed * (1 - guessed) if task.judge.mean and 0 < guessed < 1 else 0.25
        clearly = _SURE * math.sqrt(spread / setting.validation_examples)
    else:
        floors = [trial.values[-1] for trial in finished if _untouched(trial)]
        if not floors:
            return None
        # Measured on the same examples: what is better on them has learned something.
        floor, what, clearly = floors[0], "the untouched model", 0.0
    best = max(adapted)
    if best > floor + clearly:
        return None
    more = f"--examples ({setting.examples:,} of {len(task.train):,}) or " if setting.examples < len(task.train) else ""
    return (
        f"the first {len(adapted)} trials with adapters reach {best:.4f} at most, and {what} {floor:.4f}: they are too "
        f"short to tell anything; raise {more}--epochs ({setting.epochs:g})"
    )


def _ended(trial: FrozenTrial) -> bool:
    return trial.state == TrialState.COMPLETE and trial.user_attrs.get("outcome", {}).get("status") == "complete"


def _untouched(trial: FrozenTrial) -> bool:
    return trial.user_attrs.get("baseline") == "head-only"
