"""Try before the first trial what every trial does, so that what would fail them all is one message."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from transformers import PreTrainedModel

from autopeft.backbones import head_parameters
from autopeft.errors import AutopeftError, BackboneError
from autopeft.space import Configuration
from autopeft.trials.faults import DivergedError, out_of_memory
from autopeft.trials.groups import parameter_groups
from autopeft.trials.runner import TrialRunner
from autopeft.trials.stopwatch import Stopwatch

__all__ = ["rehearse"]

_LOADING = "loading the model and the data"
_STEP = "a training step on the longest batch"
_MEASURING = "measuring the untouched model on validation examples"


def rehearse(load: Callable[[], TrialRunner], configuration: Configuration, seed: int) -> bool:
    """Do a training step on the longest batch and measure the untouched model, without keeping anything of it.

    Args:
        load: Returns a runner of trials.
        configuration: What to train.
        seed: Its seed.

    Returns:
        Whether all was done; False where memory ran out, which trials deal with themselves.

    Raises:
        AutopeftError: When something fails that would fail every trial.
    """
    try:
        runner = load()
    except AutopeftError:
        raise
    except Exception as error:
        if out_of_memory(error):
            return False
        raise BackboneError(_failed(_LOADING, error)) from error
    # Memory that a training step lacks may still do for measuring.
    trained = _done(runner, _STEP, partial(_step, runner, configuration, seed))
    return _done(runner, _MEASURING, partial(runner.exam.rehearse, runner.model)) and trained


def _done(runner: TrialRunner, name: str, work: Callable[[], None]) -> bool:
    """Do some work; return whether memory was enough."""
    try:
        work()
    except AutopeftError:
        raise
    except DivergedError as error:
        raise BackboneError(_not_finite(runner, error)) from error
    except Exception as error:
        if out_of_memory(error):
            return False
        raise BackboneError(f"{runner.name}: {_failed(name, error)}") from error
    return True


def _failed(doing: str, error: Exception) -> str:
    message = " ".join(str(error).split())
    return (
        f"{doing} fails before the first trial, as it would in each: {type(error).__name__}: {message[:300]}; "
        "expected model, tokenizer and data that belong together"
    )


def _step(runner: TrialRunner, configuration: Configuration, seed: int) -> None:
    """Do one training step.

    Raises:
        DivergedError: When it leaves something that is not finite.
    """
    with runner.on_longest(configuration, seed, 1, Stopwatch()) as training:
        for _ in training:
            pass
        trained = [each for group in parameter_groups(runner.model, runner.setting) for each in group["params"]]
        if not all(bool(torch.isfinite(each).all()) for each in trained):
            raise DivergedError("the first training step leaves weights that are not finite")


def _not_finite(runner: TrialRunner, error: DivergedError) -> str:
    """Say that a model computes NaN or infinity, and why if its weights tell."""
    broken = _broken(runner.model)
    found = f"{runner.name} cannot be trained: {error}, before any trial"
    if broken:
        more = f" and {len(broken) - 1} more" if len(broken) > 1 else ""
        return f"{found}; its weights hold NaN or infinity, in {broken[0]}{more}: expected another copy of the model"
    if runner.setting.precision == "bf16":
        return f"{found}; its weights are finite: expected --precision fp32, or another --model"
    return f"{found}, though its weights are: expected another --model"


def _broken(model: PreTrainedModel) -> list[str]:
    """Return the names of the weights that are not finite; the task head has those of the step that failed."""
    head = head_parameters(model)
    return [
        name
        for name, each in model.named_parameters()
        if name not in head and each.is_floating_point() and not bool(torch.isfinite(each).all())
    ]
