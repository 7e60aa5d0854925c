"""Whether the trials of a study have led to anything, and why not."""

from __future__ import annotations

from collections import Counter
from typing import Any

import optuna

from autopeft.study.records import is_void, outcome_of

__all__ = ["has_results", "why_none_completed"]


def has_results(study: optuna.Study) -> bool:
    """Tell whether a trial of a study has trained and was measured, to its end or not."""
    return any(outcome.get("status") in ("complete", "stopped") for outcome in _outcomes(study))


def why_none_completed(study: optuna.Study) -> str | None:
    """Say that no trial of a study has come to its end, and what mostly kept them from it; None where one has."""
    outcomes = _outcomes(study)
    if any(outcome.get("status") == "complete" for outcome in outcomes):
        return None
    if not outcomes:
        return "no trial completed: none has ended yet"
    reasons = Counter(_reason(outcome) for outcome in outcomes)
    [(reason, count)] = reasons.most_common(1)
    return f"no trial completed; {count} of {len(outcomes)} ended so: {reason}"


def _outcomes(study: optuna.Study) -> list[dict[str, Any]]:
    ended = [trial for trial in study.get_trials(deepcopy=False) if trial.state.is_finished()]
    return [dict(outcome) for trial in ended if not is_void(trial) and (outcome := outcome_of(trial))]


def _reason(outcome: dict[str, Any]) -> str:
    message = outcome.get("message")
    return f"{outcome['status']}: {message}" if message else str(outcome["status"])
