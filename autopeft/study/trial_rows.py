"""The trials of a study, each as one row: what it was, how it ended and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from autopeft.samplers import COSTS, DERIVED
from autopeft.space import Configuration
from autopeft.study.asking import OWNER
from autopeft.study.front import Scale
from autopeft.study.owner import is_alive
from autopeft.study.records import PARAMS, is_void, outcome_of
from autopeft.trials.outcome import ENDED, STATUSES

__all__ = ["STATES", "TrialRow", "trial_rows"]

#: What a trial may be: at work or in line, or as it ended.
STATES: tuple[str, ...] = ("running", "waiting", *STATUSES)


@dataclass(frozen=True)
class TrialRow:
    """One trial, whatever became of it; plain data.

    Args:
        trial: Its number in the study.
        state: One of `STATES`.
        in_words: The configuration in words; empty while none is recorded.
        configuration: The configuration as plain data; None while none is recorded.
        costs: The costs that are objectives, by name, as far as they are known.
        accuracy: The metric on validation; where it was stopped, what it had reached by then; else None.
        seconds: How long it took, or has taken so far; None where that is not known.
        message: One line on what went wrong; else empty.
        traceback: Where in the code; mostly empty.
        baseline: `head-only` or the name of a reference, else None.
        retry_of: The lost trial whose configuration is tried again, else None.
        derived_from: The trial that this one was made of afterwards, as by compression, else None.
    """

    trial: int
    state: str
    in_words: str
    configuration: Mapping[str, Any] | None
    costs: Mapping[str, float]
    accuracy: float | None
    seconds: float | None
    message: str
    traceback: str
    baseline: str | None
    retry_of: int | None
    derived_from: int | None

    @property
    def failed(self) -> bool:
        """Whether it has ended without a result."""
        return self.state in ENDED

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-serialisable data."""
        return asdict(self)


def trial_rows(study: optuna.Study) -> list[TrialRow]:
    """Return the trials of a study in their order; those for which no configuration was found are none.

    Raises:
        StudyError: When the search has not come to its trials yet.
    """
    scale = Scale.recorded(study)
    return [_row(trial, scale) for trial in study.get_trials(deepcopy=False) if not is_void(trial)]


def _row(trial: FrozenTrial, scale: Scale) -> TrialRow:
    attrs = trial.user_attrs
    outcome = outcome_of(trial)
    state = _state(trial)
    given = attrs.get("configuration")
    words = attrs.get("in_words") or ("" if given is None else Configuration.from_dict(given).describe())
    return TrialRow(
        trial=trial.number,
        state=state,
        in_words=words,
        configuration=given,
        costs=_costs(trial, scale, failed=state in ENDED),
        accuracy=_accuracy(trial, state),
        seconds=_seconds(trial),
        message=_lost(trial) if state == "running" else " ".join(str(outcome.get("message", "")).split()),
        traceback=str(outcome.get("detail", "")),
        baseline=attrs.get("baseline"),
        retry_of=attrs.get("retry_of"),
        derived_from=attrs.get(DERIVED),
    )


def _state(trial: FrozenTrial) -> str:
    if trial.state == TrialState.RUNNING:
        return "running"
    if trial.state == TrialState.WAITING:
        return "waiting"
    untold = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "stopped"}.get(trial.state, "error")
    return str(outcome_of(trial).get("status", untold))


def _costs(trial: FrozenTrial, scale: Scale, *, failed: bool) -> dict[str, float]:
    found = trial.values[:-1] if trial.values else trial.user_attrs.get(COSTS, ())
    # What failed before it was measured is told as the dearest there is, which it need not be.
    unmeasured = failed and list(found) == [highest for _, highest in scale.costs.values()]
    costs = {} if unmeasured or not found else dict(zip(scale.costs, found, strict=True))
    if "params" in scale.costs and PARAMS in trial.user_attrs:
        costs = {"params": trial.user_attrs[PARAMS]} | costs
    return costs


def _accuracy(trial: FrozenTrial, state: str) -> float | None:
    if state == "complete" and trial.values:
        return float(trial.values[-1])
    curve = trial.user_attrs.get("outcome", {}).get("curve")
    return float(curve[-1]["accuracy"]) if state == "stopped" and curve else None


def _seconds(trial: FrozenTrial) -> float | None:
    if trial.state == TrialState.RUNNING and trial.datetime_start is not None:
        return (datetime.now() - trial.datetime_start).total_seconds()
    seconds = trial.user_attrs.get("outcome", {}).get("seconds")
    return None if seconds is None else float(seconds)


def _lost(trial: FrozenTrial) -> str:
    """Say of a running trial that nobody runs it, if so."""
    owner = trial.user_attrs.get(OWNER)
    gone = owner is not None and is_alive(owner) is False
    return "its process is gone; the same search tries it again" if gone else ""
