"""A run as reports read it: its trials whatever became of them, its finalists, its backbone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from optuna.trial import FrozenTrial, TrialState

from autopeft.backbones import Backbone
from autopeft.errors import AutopeftError
from autopeft.launch import SearchResult, open_run
from autopeft.reporting.chart import Absent
from autopeft.reporting.words import baseline_in_words
from autopeft.samplers import COSTS
from autopeft.selection.finalists_file import FinalistsFile, read_finalists
from autopeft.space import Configuration
from autopeft.study import OUTSIDE, PARAMS, is_void, outcome_of

__all__ = ["ReportedTrial", "Run", "Standing", "read_run", "run_of"]

#: Where a trial stands: on the front, beaten, over the budget, stopped early, failed for what it was, or lost to a
#: fault of machine or code.
Standing = Literal["front", "dominated", "over-budget", "stopped", "failed", "lost"]


@dataclass(frozen=True)
class ReportedTrial:
    """A trial that has ended.

    Args:
        number: Its number in the study.
        configuration: What was trained.
        in_words: The same in words, a baseline by its name.
        baseline: For the baselines `head-only` or the name of a reference, else None.
        standing: Where it stands.
        outside: Whether the space, which has been changed, does not hold it any more.
        status: The status of its outcome, see `autopeft.trials.Outcome`.
        params: Its trainable parameters; None where it was lost before they were recorded.
        costs: Its costs that are objectives, by name; empty likewise.
        accuracy: The metric on validation at its end; None where it did not come so far.
        curve: What it measured on the way.
        seconds: Seconds at work; None where nothing tells.
        message: What went wrong.
        began: When it was asked for.
        ended: When its outcome was recorded.
    """

    number: int
    configuration: Configuration
    in_words: str
    baseline: str | None
    standing: Standing
    status: str
    params: int | None
    costs: Mapping[str, float]
    accuracy: float | None
    curve: Sequence[Mapping[str, float]]
    seconds: float | None
    message: str
    began: datetime
    ended: datetime
    outside: bool = False

    @property
    def named(self) -> str:
        """Its number and what was trained."""
        return f"trial {self.number}: {self.in_words}"

    @property
    def last_accuracy(self) -> float | None:
        """Its accuracy, or the last one it measured on the way."""
        return self.curve[-1]["accuracy"] if self.accuracy is None and self.curve else self.accuracy


@dataclass(frozen=True)
class Run:
    """A run as reports read it.

    Args:
        result: The run, opened.
        trials: Its trials that have ended, by number.
        finalists: What `autopeft select` left; None before it.
    """

    result: SearchResult
    trials: tuple[ReportedTrial, ...]
    finalists: FinalistsFile | None

    @property
    def spec(self) -> Mapping[str, Any]:
        """What the study is."""
        spec: Mapping[str, Any] = self.result.study.user_attrs["spec"]
        return spec

    @property
    def metric(self) -> str:
        """What `accuracy` holds."""
        return self.result.metric

    @property
    def name(self) -> str:
        """Name of the run folder."""
        return self.result.folder.resolve().name

    @cached_property
    def by_number(self) -> Mapping[int, ReportedTrial]:
        """The trials by number."""
        return {trial.number: trial for trial in self.trials}

    @cached_property
    def backbone(self) -> Backbone | Absent:
        """What was tuned, without weights; why not, where it cannot be had."""
        plan, load = self.result.plan, self.result.kind.load_backbone
        try:
            backbone = load(plan.model, plan.revision, plan.roles, trust_remote_code=plan.trust_remote_code)
        except AutopeftError as error:
            return Absent(f"the backbone cannot be loaded: {error}")
        recorded = {key: value for key, value in self.spec["model"].items() if key != "quantization"}
        if backbone.identity != recorded:
            return Absent(f"the backbone found, {backbone.name}, is not the one that was tuned, {recorded['model']}")
        return backbone


def read_run(folder: Path, trust_remote_code: bool = False, plugin: Path | None = None) -> Run:
    """Read a run folder.

    Args:
        folder: The run folder.
        trust_remote_code: Whether code that its model brings may run.
        plugin: The plugin that it was searched with; one that only the run names is not run.

    Raises:
        StudyError: When it holds no run, or finalists that cannot be read.
    """
    return run_of(open_run(folder, trust_remote_code, plugin=plugin), read_finalists(folder))


def run_of(result: SearchResult, finalists: FinalistsFile | None = None) -> Run:
    """Return an opened run as reports read it."""
    on_front = {row.trial for row in result.front.rows}
    ended = [
        _reported(trial, result, trial.number in on_front)
        for trial in result.study.get_trials(deepcopy=False)
        if trial.state.is_finished() and "configuration" in trial.user_attrs and not is_void(trial)
    ]
    return Run(result, tuple(ended), finalists)


def _reported(trial: FrozenTrial, result: SearchResult, on_front: bool) -> ReportedTrial:
    attrs = trial.user_attrs
    outcome = outcome_of(trial)
    status = outcome["status"]
    configuration = Configuration.from_dict(attrs["configuration"])
    complete = trial.state == TrialState.COMPLETE and status == "complete"
    costs = trial.values[:-1] if trial.values else attrs.get(COSTS, ())
    assert trial.datetime_start is not None, "a trial that ended has begun"
    assert trial.datetime_complete is not None, "a trial that ended has an end"
    return ReportedTrial(
        number=trial.number,
        configuration=configuration,
        in_words=baseline_in_words(attrs.get("baseline"), configuration.describe(), result.kind),
        baseline=attrs.get("baseline"),
        standing=_standing(trial, status, on_front, result.scale.limit),
        status=status,
        params=attrs.get(PARAMS),
        costs=dict(zip(result.scale.costs, costs, strict=True)) if costs else {},
        accuracy=trial.values[-1] if complete else None,
        curve=outcome.get("curve", ()),
        seconds=outcome.get("seconds"),
        message=outcome.get("message", ""),
        began=trial.datetime_start,
        ended=trial.datetime_complete,
        outside=bool(attrs.get(OUTSIDE)),
    )


def _standing(trial: FrozenTrial, status: str, on_front: bool, limit: int) -> Standing:
    if on_front:
        return "front"
    if status == "stopped":
        return "stopped"
    if trial.state == TrialState.FAIL:
        return "lost"
    if status != "complete":
        return "failed"
    return "over-budget" if trial.user_attrs.get(PARAMS, 0) > limit else "dominated"
