"""Whether the first trials of a search have learned anything, so that nobody waits for the others in vain."""

from __future__ import annotations

import math

import optuna
from optuna.trial import TrialState

from autopeft.launch.preparation import Preparation

__all__ = ["too_short"]

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
    finished = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    adapted = [trial.values[-1] for trial in finished if trial.user_attrs.get("baseline") != "head-only"]
    if len(adapted) != _FEW:
        return None
    task, setting = prepared.task, prepared.setting
    floor, what = task.kind.guessed(task), "telling the same of everything"
    if floor is None:
        untouched = [trial.values[-1] for trial in finished if trial.user_attrs.get("baseline") == "head-only"]
        if not untouched:
            return None
        floor, what = untouched[0], "the untouched model"
    else:
        floor = task.judge.signed(floor)
    # A share of right answers has this spread; of another figure no more is known than that it is at most a coin's.
    spread = floor * (1 - floor) if task.judge.mean and 0 < floor < 1 else 0.25
    best = max(adapted)
    if best > floor + _SURE * math.sqrt(spread / setting.validation_examples):
        return None
    more = f"--examples ({setting.examples:,} of {len(task.train):,}) or " if setting.examples < len(task.train) else ""
    return (
        f"the first {_FEW} trials with adapters reach {best:.4f} at most, and {what} {floor:.4f}: they are too short "
        f"to tell anything; raise {more}--epochs ({setting.epochs:g})"
    )
