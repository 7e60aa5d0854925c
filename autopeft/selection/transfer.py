"""What the finalists of one run are worth on another task, without a search there.

The protocol is that of Zhou et al. 2024, "AutoPEFT: Automatic Configuration Search for Parameter-Efficient
Fine-Tuning", who train what they found on one task on others; here beside the references and, where there is one, a
search made for the task.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from autopeft.errors import AutopeftError
from autopeft.launch import DATA_FIELDS, GIVEN, Preparation, SearchPlan, SearchResult, kind_settings
from autopeft.levers import SELECT
from autopeft.methods import TASKS
from autopeft.methods.weights import WEIGHTS
from autopeft.selection.errands import AT_RUNG
from autopeft.selection.finalists_file import Finalist, FinalistsFile, Interval, read_finalists
from autopeft.selection.records import TEST_SCORES, looks, trained_with, units_of
from autopeft.selection.statistics import estimate
from autopeft.trials import steps_of
from autopeft.whole_file import write_text

__all__ = ["TRANSFER", "Transfer", "check_beside", "plan_of_transfer", "transfer_of", "weights_of"]

#: Name of the file in a run folder.
TRANSFER = "transfer.json"

#: What a transfer takes from the run whose finalists it trains; how long it trains follows from its own data.
_TAKEN = (
    "model",
    "revision",
    "roles",
    "load_in_4bit",
    "load_in_8bit",
    "space",
    "plugin",
    "budget",
    "objectives",
    "seed",
    "precision",
    "gradient_checkpointing",
    "workers",
    "ray_address",
    "margin",
)

#: What it takes from a run on its own task that it is held against.
_LIKE = ("examples", "epochs", "batch_size", "max_length", "final", *DATA_FIELDS, "task", "tasks")

#: Where a space has its methods.
_METHODS = ("modules", "choose")


class Transfer(BaseModel):
    """What became of the finalists of a run on another task.

    Args:
        source: The run folder they are from.
        names: What they are called there, by their names here.
        best: The best of them on validation.
        steps: Training steps that were made for them and the references.
        beside: The run folder of a search made for the task; None where there is none, and so below.
        fresh: What that search found best on validation.
        fresh_steps: Training steps of that search and its selection.
        difference: Of the two on test: points above the fresh search's as a fraction.
        kept: Share of the fresh search's gain over the untouched model that is kept; None where it has gained nothing
            for sure.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    names: Mapping[str, str]
    best: str
    steps: int
    beside: str | None = None
    fresh: str | None = None
    fresh_steps: int | None = None
    difference: Interval | None = None
    kept: Interval | None = None

    def write(self, run: Path) -> None:
        """Write the file into a run folder."""
        write_text(run / TRANSFER, self.model_dump_json(indent=2) + "\n")

    def sentences(self) -> list[str]:
        """Return what there is to say."""
        there = self.names[self.best]
        found = [f"best on validation of what was transferred: {self.best}, which is {there} of {self.source}"]
        if self.difference is None or self.fresh_steps is None:
            return found
        margin = (self.difference.high - self.difference.low) / 2
        found.append(
            f"on test it is {100 * self.difference.mean:+.1f} ± {100 * margin:.1f} points from {self.fresh} of "
            f"{self.beside}, for {self.steps / self.fresh_steps:.0%} of its training steps"
        )
        if self.kept is None:
            found.append("that search is not shown to gain anything over the untouched model, so that no share is told")
        else:
            share = f"{self.kept.mean:.0%} ({self.kept.low:.0%} to {self.kept.high:.0%})"
            found.append(f"{share} of its gain over the untouched model are kept")
        return found


def plan_of_transfer(run: SearchResult, settings: Mapping[str, Any], beside: SearchResult | None = None) -> SearchPlan:
    """Return the plan that trains the finalists of a run on other data.

    Args:
        run: The run.
        settings: Fields of a plan that are asked for; the data among them, unless another run has it.
        beside: A run on that data, whose trials and finalists shall be trained likewise.

    Raises:
        AutopeftError: When nothing has been selected in a run, nothing but references, or no data is named, nor a pool
            where the run has one.
    """
    found = {each.name: dict(each.configuration) for each in _searched(_finalists(run))}
    if not found:
        raise AutopeftError(f"the finalists of {run.folder} are references alone; there is nothing to transfer")
    if beside is not None:
        _finalists(beside)
    taken = {name: getattr(run.plan, name) for name in _TAKEN}
    like = {} if beside is None else {name: getattr(beside.plan, name) for name in (*_LIKE, *kind_settings())}
    if weights_of(run):
        taken["space"] = _unweighed(_space_of(run))
        found = {name: _unweighed(each) for name, each in found.items()}
    # Nothing is stopped: each is to be seen on the other task, however it does there.
    asked = {**taken, **like, **settings, "configurations": found, "early_stopping": False}
    if run.plan.pool is not None and asked.get("pool") is None and any(_selects(each) for each in found.values()):
        raise AutopeftError(
            f"the finalists of {run.folder} learn from rows that they choose from its pool, and for the other task "
            "none is named; give one by --pool"
        )
    return SearchPlan.of({name: value for name, value in asked.items() if value is not None}).naming_data()


def _selects(configuration: Mapping[str, Any]) -> bool:
    return SELECT.asked(configuration.get("data") or {}) is not None


def transfer_of(
    prepared: Preparation, result: SearchResult, file: FinalistsFile, run: SearchResult, beside: SearchResult | None
) -> Transfer:
    """Return what became of a transfer, and write it into its run folder.

    Args:
        prepared: Its plan, made concrete.
        result: Its run.
        file: What was selected there.
        run: The run whose finalists were trained.
        beside: A run of a search on the same task, checked by `check_beside`.

    Raises:
        AutopeftError: When nothing that was transferred could be trained.
    """
    asked = {trial.number: trial.user_attrs.get(GIVEN) for trial in result.study.get_trials(deepcopy=False)}
    moved = _searched(file)
    names = {each.name: str(asked[each.trial]) for each in moved if each.trial is not None}
    if not moved:
        raise AutopeftError(
            f"nothing that was transferred could be trained; see `autopeft trials {result.folder}`, and the seeds left "
            "out above"
        )
    best = max(moved, key=lambda each: each.validation.mean)
    found: dict[str, Any] = {
        "source": str(run.folder.resolve()),
        "names": names,
        "best": best.name,
        "steps": _steps(result),
    }
    if beside is not None:
        found |= _beside(prepared, result, file, best, beside)
    made = Transfer(**found)
    made.write(result.folder)
    return made


def check_beside(prepared: Preparation, beside: SearchResult) -> None:
    """Check that a transfer can be held against a search, before anything of it is trained.

    Args:
        prepared: The plan of the transfer, made concrete.
        beside: The run of the search.

    Raises:
        AutopeftError: When that is on other data, with another model or trained otherwise, or found nothing.
    """
    other, final = _finalists(beside), prepared.final
    spec = beside.study.user_attrs["spec"]
    apart = [
        what
        for what, same in (
            ("data", spec["data"] == prepared.spec.data),
            ("model", spec["model"] == dict(prepared.spec.model)),
            ("metric", other.metric == prepared.task.objective),
            ("training of finalists", (other.setting.examples, other.setting.epochs) == (final.examples, final.epochs)),
        )
        if not same
    ]
    if apart:
        raise AutopeftError(
            f"--beside {beside.folder} differs in {' and '.join(apart)} from this transfer; expected a search on the "
            "same task, with the same trials and finalists"
        )
    if not _searched(other):
        raise AutopeftError(f"--beside {beside.folder}: its finalists are references alone, so that it found nothing")


def _beside(
    prepared: Preparation, result: SearchResult, file: FinalistsFile, best: Finalist, beside: SearchResult
) -> dict[str, Any]:
    fresh = max(_searched(_finalists(beside)), key=lambda each: each.validation.mean)
    head = next((each for each in file.finalists if each.baseline == "head"), None)
    groups = prepared.task.groups.get("test", ())
    scores = [_scores(result.folder, best, groups), _scores(beside.folder, fresh, groups)]
    if head is not None:
        scores.append(_scores(result.folder, head, groups))
    fixed = [2] if head is not None and len(head.seeds) == 1 else []
    told = estimate(scores, fixed, None if head is None else 2)
    difference = told.difference(0, 1)
    kept = None
    if head is not None and told.difference(1, 2).above(0):
        draws = told.draws()
        shares = (draws[:, 0] - draws[:, 2]) / (draws[:, 1] - draws[:, 2])
        low, high = np.quantile(shares, [0.025, 0.975])
        mean = (told.means[0] - told.means[2]) / (told.means[1] - told.means[2])
        kept = Interval(mean=float(mean), low=float(low), high=float(high))
    return {
        "beside": str(beside.folder.resolve()),
        "fresh": fresh.name,
        "fresh_steps": _steps(beside),
        "difference": Interval(
            mean=difference.mean, low=difference.mean - difference.margin, high=difference.mean + difference.margin
        ),
        "kept": kept,
    }


def weights_of(run: SearchResult) -> list[str]:
    """Return the knobs of a run's space that weigh its tasks, or count them: no other run has these, and they are left
    out.
    """
    space = _space_of(run)
    weights = [knob.name for knob in WEIGHTS if knob.name in (space.get("training") or {})]
    methods = [item for part in _METHODS for item in (space.get(part) or {}).items()]
    return weights + [f"{name}.{TASKS}" for name, knobs in methods if TASKS in (knobs or {})]


def _space_of(run: SearchResult) -> dict[str, Any]:
    return dict(run.study.user_attrs["spec"]["space"])


def _unweighed(written: Mapping[str, Any]) -> dict[str, Any]:
    """Return a space or a configuration without weights and numbers of tasks, which are of those it was found on."""
    weights = {knob.name for knob in WEIGHTS}
    training = {name: each for name, each in (written.get("training") or {}).items() if name not in weights}
    methods = {
        part: {name: {key: each for key, each in (knobs or {}).items() if key != TASKS} for name, knobs in held.items()}
        for part in _METHODS
        if (held := written.get(part))
    }
    return {**written, **methods, "training": training}


def _finalists(run: SearchResult) -> FinalistsFile:
    file = read_finalists(run.folder)
    if file is None:
        raise AutopeftError(f"{run.folder} has no finalists yet; run `autopeft select {run.folder}` first")
    return file


def _searched(file: FinalistsFile) -> list[Finalist]:
    return [each for each in file.finalists if each.baseline is None]


def _scores(run: Path, finalist: Finalist, groups: Any) -> NDArray[np.float64]:
    """Return the scores of a finalist on test, `[seeds, units]`."""
    return np.stack([units_of(run / each.folder / TEST_SCORES, groups) for each in finalist.seeds])


def _steps(run: SearchResult) -> int:
    """Return the training steps of a run: those of its trials, of its finalists and of looks at their rates.

    Full fine-tuning, which a transfer has not, does not count.
    """
    outcomes = [trial.user_attrs.get("outcome", {}) for trial in run.study.get_trials(deepcopy=False)]
    steps = sum(int(outcome["curve"][-1]["step"]) for outcome in outcomes if outcome.get("curve"))
    trained = trained_with(run.folder, but="full")
    whole = [steps_of(each["examples"], each["epochs"], each["batch_size"]) for each in trained]
    return steps + sum(whole) + looks(run.folder, but="full") * round(AT_RUNG * max(whole, default=0))
