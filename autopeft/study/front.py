"""The front of a study: its non-dominated trials, and how they stand to the baselines."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from html import escape
from typing import TYPE_CHECKING, Any, Literal

import optuna
from optuna.trial import FrozenTrial, TrialState

from autopeft.errors import StudyError
from autopeft.methods import TITLES
from autopeft.samplers import COSTS, DERIVED, hypervolume, hypervolume_of_many, pareto_front_of_many
from autopeft.space import Configuration
from autopeft.study.records import BEYOND, OUTSIDE, PARAMS
from autopeft.trials.outcome import ENDED

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SCALE", "Front", "FrontRow", "Scale", "Standing", "front_of", "head_only_accuracy", "placed"]

#: Where a row stands: on the front, surpassed by something as cheap, over the budget, or failed or stopped.
Standing = Literal["front", "dominated", "over-budget", "no-end"]

#: The study's user attribute that holds its scale.
SCALE = "scale"

#: What tables of fronts have of a row beside trial and costs.
_COLUMNS = ("accuracy", "over_stock", "baseline", "in_words", "configuration")

#: What to do where a reference failed.
_MENDS: Mapping[str, str] = {
    "timeout": "; give trials more by --trial-time-limit",
    "oom": "; give less by --batch-size or --max-length, or --gradient-checkpointing",
}


@dataclass(frozen=True)
class Scale:
    """How costs and accuracies of a study are scored: fixed when the study begins, recorded with it.

    Args:
        backbone: Parameters of the backbone, for shares.
        limit: The budget in trainable parameters.
        cheapest: Cheapest non-zero cost of the space; stands in for a cost of 0, which has no logarithm.
        axes: The lowest non-zero and the highest value of each cost that is an objective, by name; when left out,
            trainable parameters are the only one.
    """

    backbone: int
    limit: int
    cheapest: int
    axes: Mapping[str, Sequence[float]] = field(default_factory=dict)

    @classmethod
    def recorded(cls, study: optuna.Study) -> Scale:
        """Return the scale that is recorded with a study.

        Raises:
            StudyError: When the search has not come to its trials yet.
        """
        if SCALE not in study.user_attrs:
            raise StudyError(
                f"the study {study.study_name} has no trials yet: its search is still being prepared, or ended before "
                "the first; look again later, or run the same `autopeft search` again"
            )
        return cls(**study.user_attrs[SCALE])

    @property
    def costs(self) -> Mapping[str, Sequence[float]]:
        """The costs that are objectives, in their order, with their ranges."""
        return self.axes or {"params": (float(self.cheapest), float(self.limit))}

    def score(self, costs: Sequence[Sequence[float]], accuracies: Sequence[float], reference: float) -> float:
        """Return the hypervolume of points, see `autopeft.samplers.hypervolume`.

        Args:
            costs: The costs of each point, in their order.
            accuracies: Its accuracy.
            reference: Accuracy that scores nothing.
        """
        ranges = list(self.costs.values())
        if len(ranges) > 1:
            return hypervolume_of_many(costs, accuracies, ranges=ranges, reference=reference)
        [(cheapest, limit)] = ranges
        return hypervolume([cost for (cost,) in costs], accuracies, limit=limit, reference=reference, cheapest=cheapest)


@dataclass(frozen=True)
class FrontRow:
    """One trial as a front shows it.

    Args:
        trial: Its number in the study.
        configuration: The configuration as plain data.
        in_words: The configuration in words.
        params: Trainable parameters, head not counted.
        share: `params` as a fraction of the backbone.
        costs: The costs that are objectives, by name.
        accuracy: The metric on validation; higher is better. The worst there is where the trial failed; where it
            was stopped, what it had reached by then.
        over_stock: Difference to stock LoRA's accuracy; None where it or stock LoRA has none.
        baseline: For the baselines `head-only` or the name of a reference, else None.
        metrics: Every metric on validation at the trial's end, and `loss`; empty where it failed.
        status: How the trial ended, see `autopeft.trials.Outcome`.
        standing: Where it stands.
        outside: Whether the space, which has been changed, does not hold it any more.
        beyond: Whether it is predicted to exceed a budget of memory.
        derived_from: The trial that this one was made of afterwards, else None.
    """

    trial: int
    configuration: Mapping[str, Any]
    in_words: str
    params: int
    share: float
    costs: Mapping[str, float]
    accuracy: float
    over_stock: float | None
    baseline: str | None
    metrics: Mapping[str, float] = field(default_factory=dict)
    status: str = "complete"
    standing: Standing = "dominated"
    outside: bool = False
    beyond: bool = False
    derived_from: int | None = None

    @property
    def failed(self) -> bool:
        """Whether it has no accuracy at its end."""
        return self.status != "complete"

    @property
    def reached(self) -> str:
        """What it reached, in words."""
        if self.status in ENDED:
            return f"not known: it {ENDED[self.status]}"
        when = " when it was stopped" if self.status == "stopped" else ""
        return f"{self.accuracy:.4f} on validation{when}"

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-serialisable data; what failed has no accuracy there."""
        return asdict(self) | ({"accuracy": None} if self.failed else {})


@dataclass(frozen=True, repr=False)
class Front:
    """The front of a study with what it is measured against.

    Args:
        rows: The front by rising cost.
        baselines: The baselines that have ended, on the front or not, or failed.
        others: Finished trials that are dominated, over the budget, or failed with a known cost.
        stopped: Trials that were stopped early.
        hypervolume: Score of the front, see `autopeft.samplers.hypervolume`; None before head-only has finished.
        verdict: One sentence: does anything on the front beat the best reference at equal or lower cost?
    """

    rows: tuple[FrontRow, ...]
    baselines: tuple[FrontRow, ...]
    others: tuple[FrontRow, ...]
    hypervolume: float | None
    verdict: str
    stopped: tuple[FrontRow, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the front as JSON-serialisable data, dominated trials left out."""
        return {
            "front": [row.to_dict() for row in self.rows],
            "baselines": [row.to_dict() for row in self.baselines],
            "hypervolume": self.hypervolume,
            "verdict": self.verdict,
        }

    def to_pandas(self) -> pd.DataFrame:
        """Return the front as a table, a row for each of its trials by rising cost.

        Columns: `trial`, `params`, `share`, further costs, `accuracy`, `over_stock` (a fraction), `baseline`,
        `in_words`, `configuration` (plain data), and every further metric.
        """
        import pandas as pd

        costs = [name for row in self.rows[:1] for name in row.costs if name != "params"]
        columns = ("trial", "params", "share", *costs, *_COLUMNS)
        # `accuracy` is the metric that trials are judged by, whatever else is called so.
        metrics = [name for row in self.rows[:1] for name in row.metrics if name not in columns]
        rows = [dict(row.metrics) | dict(row.costs) | row.to_dict() for row in self.rows]
        named = [*columns, *metrics]
        return pd.DataFrame([[row.get(name) for name in named] for row in rows], columns=named)

    def __repr__(self) -> str:
        if not self.rows:
            return "<Front: nothing>"
        first, last, best = self.rows[0], self.rows[-1], max(row.accuracy for row in self.rows)
        return f"<Front: {len(self.rows)} of {first.params:,} to {last.params:,} parameters, up to {best:.4g}>"

    def _repr_html_(self) -> str:
        """Return the front as notebooks show it."""
        table = (
            self.to_pandas().drop(columns="configuration").to_html(index=False, na_rep="", float_format="{:.4g}".format)
        )
        return f"{table}<p>{escape(self.verdict)}</p>"


def front_of(
    study: optuna.Study, scale: Scale, *, derived: bool = True, known: MutableMapping[Any, FrontRow] | None = None
) -> Front:
    """Compute the front of a study from its finished trials.

    Args:
        study: The study.
        scale: Its scale.
        derived: Whether those count that were made of others afterwards.
        known: Rows of this study and scale that were made before, to which others are added: a trial that has ended
            stays as it is.
    """
    stock = _accuracy_of(study, "stock-lora")
    rows = {} if known is None else known
    found: dict[TrialState, list[FrontRow]] = {TrialState.COMPLETE: [], TrialState.PRUNED: []}
    for trial in study.get_trials(deepcopy=False, states=tuple(found)):
        key = trial.number, stock
        if key not in rows:
            if not (trial.values or (COSTS in trial.user_attrs and trial.user_attrs["outcome"].get("curve"))):
                continue
            rows[key] = _row(trial, scale, stock)
        if derived or rows[key].derived_from is None:
            found[trial.state].append(rows[key])
    complete, front = placed(found[TrialState.COMPLETE], scale)
    baselines = tuple(row for row in complete if row.baseline)
    head = head_only_accuracy(study)
    costs = [list(row.costs.values()) for row in front]
    return Front(
        rows=front,
        baselines=baselines,
        others=tuple(row for row in complete if row.standing != "front" and not row.baseline),
        hypervolume=None if head is None else scale.score(costs, [row.accuracy for row in front], head),
        verdict=_verdict(front, baselines),
        stopped=tuple(found[TrialState.PRUNED]),
    )


def placed(rows: Sequence[FrontRow], scale: Scale) -> tuple[list[FrontRow], tuple[FrontRow, ...]]:
    """Say of rows where they stand to each other.

    Returns:
        The rows in their order; and those on the front by rising cost.
    """
    feasible = [index for index, row in enumerate(rows) if not (row.failed or row.beyond) and row.params <= scale.limit]
    costs = [tuple(rows[index].costs.values()) for index in feasible]
    chosen = [feasible[place] for place in pareto_front_of_many(costs, [rows[index].accuracy for index in feasible])]
    standings: dict[int, Standing] = {**dict.fromkeys(feasible, "dominated"), **dict.fromkeys(chosen, "front")}
    found: list[FrontRow] = []
    for index, row in enumerate(rows):
        standing = standings.get(index, "no-end" if row.failed else "over-budget")
        found.append(row if row.standing == standing else replace(row, standing=standing))
    return found, tuple(found[index] for index in chosen)


def head_only_accuracy(study: optuna.Study) -> float | None:
    """Return what the untouched backbone with its head trained reached; None before that, or where it failed."""
    return _accuracy_of(study, "head-only")


def _accuracy_of(study: optuna.Study, baseline: str) -> float | None:
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    found = (trial for trial in complete if _baseline(trial) == baseline and _status(trial) == "complete")
    return next((trial.values[-1] for trial in found), None)


def _baseline(trial: FrozenTrial) -> str | None:
    return trial.user_attrs.get("baseline")


def _status(trial: FrozenTrial) -> str:
    status: str = trial.user_attrs["outcome"].get("status", "complete")
    return status


def _row(trial: FrozenTrial, scale: Scale, stock: float | None) -> FrontRow:
    costs = trial.values[:-1] if trial.values else trial.user_attrs[COSTS]
    outcome = trial.user_attrs["outcome"]
    accuracy = trial.values[-1] if trial.values else outcome["curve"][-1]["accuracy"]
    params = int(trial.user_attrs.get(PARAMS, costs[0]))
    configuration = Configuration.from_dict(trial.user_attrs["configuration"])
    return FrontRow(
        trial=trial.number,
        configuration=configuration.to_dict(),
        in_words=configuration.describe(),
        params=params,
        share=params / scale.backbone,
        costs=dict(zip(scale.costs, costs, strict=True)),
        accuracy=accuracy,
        over_stock=None if stock is None or _status(trial) != "complete" else accuracy - stock,
        baseline=_baseline(trial),
        metrics=outcome.get("metrics", {}),
        status=_status(trial),
        standing="no-end" if trial.state == TrialState.PRUNED else "dominated",
        outside=bool(trial.user_attrs.get(OUTSIDE)),
        beyond=bool(trial.user_attrs.get(BEYOND)),
        derived_from=trial.user_attrs.get(DERIVED),
    )


def _verdict(front: Sequence[FrontRow], baselines: Sequence[FrontRow]) -> str:
    references = [row for row in baselines if row.baseline in TITLES]
    measured = [row for row in references if not row.failed]
    failed = [
        f"{TITLES[str(row.baseline)]} {ENDED[row.status]}, so nothing is compared with it{_MENDS.get(row.status, '')}"
        for row in references
        if row.failed
    ]
    if not measured:
        return "; ".join(failed) or "no reference has been measured yet, so nothing can be said against one"
    best = max(measured, key=lambda row: row.accuracy)
    return "; ".join([_against(front, best, TITLES[str(best.baseline)]), *failed])


def _against(front: Sequence[FrontRow], reference: FrontRow, title: str) -> str:
    """Say whether anything on a front beats the best reference."""
    better = [
        row
        for row in front
        if not row.baseline
        and row.accuracy > reference.accuracy
        and all(row.costs[name] <= value for name, value in reference.costs.items())
    ]
    if not better:
        return (
            f"no configuration was found that beats {title} ({reference.params:,} parameters, "
            f"{reference.accuracy:.4f}) at equal or lower cost"
        )
    best = max(better, key=lambda row: row.accuracy)
    return (
        f"trial {best.trial} beats {title} by {100 * (best.accuracy - reference.accuracy):.1f} points on validation "
        f"with {best.params / reference.params:.0%} of its parameters (one seed, the split the search selected on)"
    )
