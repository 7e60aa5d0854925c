"""What a trial brings back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

__all__ = ["ENDED", "STATUSES", "Outcome", "Status", "StepCost"]

Status = Literal["complete", "stopped", "oom", "nan", "timeout", "killed", "error"]

#: `complete`, `stopped` early because it would not reach the front, or why a trial has no result: out of memory,
#: diverged, out of time, its worker lost, a fault in code or data.
STATUSES: tuple[str, ...] = get_args(Status)

#: What became of a trial that has no result, in words that follow what it was.
ENDED: Mapping[str, str] = {
    "oom": "ran out of memory",
    "nan": "diverged",
    "timeout": "ran out of time",
    "killed": "lost its worker",
    "error": "failed",
}


@dataclass(frozen=True)
class Outcome:
    """The result of one trial, or a typed failure; plain data.

    Args:
        status: One of `STATUSES`.
        accuracy: The task's metric on validation after the last step; None unless complete.
        metrics: Further figures on validation: every metric, and `loss`.
        params: Trainable adapter parameters of the built model, head excluded; None when it was not built.
        seconds: Wall-clock time of the trial.
        busy: Seconds of it in forward, backward and optimiser steps and in forward passes over validation.
        step_seconds: Mean time of a training step.
        curve: Validation figures at the rungs and at the end: `step`, `accuracy` (the task's metric), `loss`,
            `seconds` since the trial began, `busy` and `step_seconds` as above.
        message: One line on what went wrong.
        detail: The traceback of an error.
        mendable: Whether an error is one that a user can mend.
    """

    status: Status
    accuracy: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    params: int | None = None
    seconds: float = 0.0
    busy: float = 0.0
    step_seconds: float | None = None
    curve: tuple[Mapping[str, float], ...] = ()
    message: str = ""
    detail: str = ""
    mendable: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return asdict(self) | {"curve": [dict(point) for point in self.curve]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Outcome:
        """Return the outcome that `to_dict` wrote."""
        return cls(**{**data, "curve": tuple(data.get("curve", ()))})


@dataclass(frozen=True)
class StepCost:
    """What one training step on the longest texts takes.

    Args:
        peak: Memory at its peak, in bytes, the model's weights included; see `autopeft.trials.peak`.
        seconds: Time.
    """

    peak: int
    seconds: float
