"""What a training step takes, measured on the longest examples."""

from __future__ import annotations

from typing import Any

from autopeft.methods import prune_now
from autopeft.space import Configuration
from autopeft.trials.outcome import StepCost
from autopeft.trials.peak import watch_peak
from autopeft.trials.stopwatch import Stopwatch

__all__ = ["profile"]

#: Steps of a profile; a rung lies in their middle.
_PROFILED = 4


def profile(runner: Any, configuration: Configuration, seed: int) -> StepCost:
    """Measure a training step of a configuration; see `TrialRunner.profile`.

    Args:
        runner: The `TrialRunner`.
        configuration: What to build and train.
        seed: The seed.
    """
    steps = Stopwatch()
    with runner.on_longest(configuration, seed, _PROFILED, steps) as training:
        with watch_peak(runner.model) as peak:
            prune_now(runner.model)
            while next(training) < _PROFILED // 2:
                pass
            found = peak()
        before = steps.seconds
        for _ in training:
            pass
    return StepCost(found, (steps.seconds - before) / (_PROFILED - _PROFILED // 2))
