"""Why a trial can end without a result, and the outcome it has then."""

from __future__ import annotations

import traceback

import torch

from autopeft.errors import AutopeftError
from autopeft.passwords import without_passwords
from autopeft.trials.outcome import Outcome

__all__ = ["DivergedError", "OutOfTimeError", "failure", "out_of_memory"]


#: What they say: torch's CPU allocator, and the libraries of a GPU that find no room beside what torch holds.
_NO_MEMORY = ("out of memory", "can't allocate memory", "_status_alloc_failed")


class DivergedError(Exception):
    """A loss, a logit or an adapter is not finite."""


class OutOfTimeError(Exception):
    """The deadline has passed."""


def out_of_memory(error: Exception) -> bool:
    """Tell whether an exception says that memory ran out; some of torch's are plain RuntimeErrors."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    message = str(error).lower()
    return isinstance(error, RuntimeError) and any(words in message for words in _NO_MEMORY)


def failure(error: Exception, params: int | None, seconds: float, curve: tuple[dict[str, float], ...]) -> Outcome:
    """Return the typed outcome of an exception that ended a trial.

    Args:
        error: The exception.
        params: Trainable parameters, if the model was built.
        seconds: How long the trial took.
        curve: What it reached at rungs.
    """
    message = without_passwords(" ".join(str(error).split())) or type(error).__name__
    if isinstance(error, DivergedError):
        return Outcome("nan", params=params, seconds=seconds, curve=curve, message=message)
    if isinstance(error, OutOfTimeError):
        message = f"stopped by its time limit after {seconds:.0f} s"
        return Outcome("timeout", params=params, seconds=seconds, curve=curve, message=message)
    if out_of_memory(error):
        return Outcome("oom", params=params, seconds=seconds, curve=curve, message=message[:300])
    return Outcome(
        "error",
        params=params,
        seconds=seconds,
        curve=curve,
        message=f"{type(error).__name__}: {message}"[:300],
        detail=without_passwords("".join(traceback.format_exception(error))),
        mendable=isinstance(error, AutopeftError),
    )
