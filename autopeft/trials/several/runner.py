"""Runs trials that are one fine-tune for each of several tasks."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from autopeft.backbones import Backbone
from autopeft.errors import AutopeftError
from autopeft.methods import HEAD_ONLY
from autopeft.space import Configuration
from autopeft.tasks import Task
from autopeft.trials.driving import Point, Trial, driven
from autopeft.trials.kinds import kind_of
from autopeft.trials.measured import Measured
from autopeft.trials.outcome import Outcome, StepCost
from autopeft.trials.runner import TrialRunner
from autopeft.trials.setting import TrialSetting
from autopeft.trials.several.gains import figures_of, scores_of
from autopeft.trials.stopwatch import Stopwatch

__all__ = ["SeveralRunner"]


class SeveralRunner:
    """Runs the trials of each task one after the other; arguments and methods as of `TrialRunner`.

    What is kept of a trial is a folder for each task, called after it. Trials have no rungs: how a configuration does
    on all tasks is known at the end only.
    """

    def __init__(
        self, backbone: Backbone, task: Task, setting: TrialSetting, device: torch.device | None = None
    ) -> None:
        self.name, self.task, self.setting = backbone.name, task, setting
        each = kind_of(task).each_of(task, backbone.tokenizer(), setting)
        self.parts = [TrialRunner(backbone, part, own, device) for part, own in each]
        self._longest = max(self.parts, key=lambda part: part.setting.max_length)
        self.model, self.exam, self.device = self._longest.model, self._longest.exam, self._longest.device

    @cached_property
    def levels(self) -> list[float]:
        """What the untouched model of each task reaches on validation, more being better."""
        found = []
        for part in self.parts:
            outcome = part.run(HEAD_ONLY, self.setting.seed)
            if outcome.accuracy is None:
                raise AutopeftError(f"{part.task.name}: its untouched model cannot be measured: {outcome.message}")
            found.append(outcome.accuracy)
        return found

    def run(
        self,
        configuration: Configuration,
        seed: int,
        deadline: float | None = None,
        go_on: Callable[[Point], bool] = lambda point: True,
        **asked: Any,
    ) -> Outcome:
        """Run one trial; see `TrialRunner.run`."""
        return driven(self.start(configuration, seed, deadline, **asked), go_on)

    def start(
        self,
        configuration: Configuration,
        seed: int,
        deadline: float | None = None,
        *,
        folder: Path | None = None,
        **asked: Any,
    ) -> Trial:
        """Begin a trial; see `TrialRunner.start`. It fails as the first of its fine-tunes that does."""
        yield from ()
        started = time.perf_counter()
        outcomes: list[Outcome] = []
        levels = self.levels
        for part in self.parts:
            home = None if folder is None else folder / part.task.name
            outcome = part.run(configuration, seed, deadline, folder=home, **asked)
            if outcome.status != "complete":
                return replace(outcome, message=f"{part.task.name}: {outcome.message}", curve=())
            outcomes.append(outcome)
        figures = self._figures([outcome.metrics for outcome in outcomes], levels)
        accuracy = self.task.judge.signed(figures[self.task.metric])
        steps = sum(int(outcome.curve[-1]["step"]) for outcome in outcomes)
        trained = [outcome.step_seconds or 0.0 for outcome in outcomes]
        end: Point = {
            "step": steps,
            "accuracy": accuracy,
            "loss": figures["loss"],
            "seconds": time.perf_counter() - started,
            "busy": sum(outcome.busy for outcome in outcomes),
            "step_seconds": float(np.mean(trained)),
        }
        return Outcome(
            "complete",
            accuracy,
            figures,
            outcomes[0].params,
            end["seconds"],
            end["busy"],
            end["step_seconds"],
            (end,),
        )

    def profile(self, configuration: Configuration, seed: int) -> StepCost:
        """Measure a training step on the longest texts of all tasks."""
        return self._longest.profile(configuration, seed)

    def on_longest(
        self, configuration: Configuration, seed: int, steps: int, busy: Stopwatch
    ) -> AbstractContextManager[Any]:
        """Build a configuration for the task with the longest texts; see `TrialRunner.on_longest`."""
        return self._longest.on_longest(configuration, seed, steps, busy)

    def score(self, folder: Path, split: str) -> np.ndarray:
        """Measure what a trial saved, task by task; see `TrialRunner.score`."""
        scores = [part.score(folder / part.task.name, split) for part in self.parts]
        places = [places for places, _ in self.task.splits[split].divided()]
        return scores_of(self.task.metric, places, scores, self.levels)

    def _figures(self, found: Sequence[Any], levels: Sequence[float]) -> dict[str, float]:
        figures = figures_of(self.task.schema.parts, dict(enumerate(found)), levels)
        return {**figures, "loss": float(np.mean([each["loss"] for each in found]))}

    def compressed(self, folder: Path, configuration: Configuration) -> tuple[Measured, int]:
        """Measure what is kept of a trial's adapters, task by task; see `TrialRunner.compressed`."""
        found = [part.compressed(folder / part.task.name, configuration) for part in self.parts]
        figures = self._figures([measured.figures for measured, _ in found], self.levels)
        return Measured(figures), sum(kept for _, kept in found)
