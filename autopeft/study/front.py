"""The front of a study: its non-dominated trials, and how they stand to the baselines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from autopeft.samplers import hypervolume, hypervolume_of_many, pareto_front_of_many
from autopeft.space import Configuration
from autopeft.study.records import INFEASIBLE, PARAMS
from autopeft.trials.outcome import ENDED

__all__ = ["SCALE", "Front", "FrontRow", "Scale", "front_of", "head_only_accuracy"]

#: The study's user attribute that holds its scale.
SCALE = "scale"

#: What to do where stock LoRA failed.
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
        """Return the scale that is recorded with a study."""
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
        accuracy: The metric on validation; higher is better. The worst there is where the trial failed.
        over_stock: Difference to stock LoRA's accuracy; None where it or stock LoRA has none.
        baseline: `head-only` or `stock-lora` for the baselines, else None.
        metrics: Every metric on validation at the trial's end, and `loss`; empty where it failed.
        status: How the trial ended, see `autopeft.trials.Outcome`.
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

    @property
    def failed(self) -> bool:
        """Whether it has no accuracy."""
        return self.status != "complete"

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-serialisable data; what failed has no accuracy there."""
        return asdict(self) | ({"accuracy": None} if self.failed else {})


@dataclass(frozen=True)
class Front:
    """The front of a study with what it is measured against.

    Args:
        rows: The front by rising cost.
        baselines: The baselines that have ended, on the front or not, or failed.
        others: Finished trials that are dominated, over the budget, or failed with a known cost.
        hypervolume: Score of the front, see `autopeft.samplers.hypervolume`; None before head-only has finished.
        verdict: One sentence: does anything on the front beat stock LoRA at equal or lower cost?
    """

    rows: tuple[FrontRow, ...]
    baselines: tuple[FrontRow, ...]
    others: tuple[FrontRow, ...]
    hypervolume: float | None
    verdict: str

    def to_dict(self) -> dict[str, Any]:
        """Return the front as JSON-serialisable data, dominated trials left out."""
        return {
            "front": [row.to_dict() for row in self.rows],
            "baselines": [row.to_dict() for row in self.baselines],
            "hypervolume": self.hypervolume,
            "verdict": self.verdict,
        }


def front_of(study: optuna.Study, scale: Scale) -> Front:
    """Compute the front of a study from its finished trials."""
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    stock = _accuracy_of(study, "stock-lora")
    rows = [_row(trial, scale, stock) for trial in complete]
    feasible = [row for row, trial in zip(rows, complete, strict=True) if trial.constraints.get(INFEASIBLE, 0.0) <= 0]
    chosen = pareto_front_of_many([tuple(row.costs.values()) for row in feasible], [row.accuracy for row in feasible])
    front = tuple(feasible[index] for index in chosen)
    on_front = {row.trial for row in front}
    baselines = tuple(row for row in rows if row.baseline)
    head = head_only_accuracy(study)
    costs = [list(row.costs.values()) for row in front]
    return Front(
        rows=front,
        baselines=baselines,
        others=tuple(row for row in rows if row.trial not in on_front and not row.baseline),
        hypervolume=None if head is None else scale.score(costs, [row.accuracy for row in front], head),
        verdict=_verdict(front, baselines),
    )


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
    *costs, accuracy = trial.values
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
        metrics=trial.user_attrs["outcome"].get("metrics", {}),
        status=_status(trial),
    )


def _verdict(front: Sequence[FrontRow], baselines: Sequence[FrontRow]) -> str:
    stock = next((row for row in baselines if row.baseline == "stock-lora"), None)
    if stock is None:
        return "stock LoRA has not been measured yet, so nothing can be said against it"
    if stock.failed:
        return f"stock LoRA {ENDED[stock.status]}, so nothing is compared with it{_MENDS.get(stock.status, '')}"
    better = [
        row
        for row in front
        if not row.baseline
        and row.accuracy > stock.accuracy
        and all(row.costs[name] <= value for name, value in stock.costs.items())
    ]
    if not better:
        return (
            f"no configuration was found that beats stock LoRA ({stock.params:,} parameters, "
            f"{stock.accuracy:.4f}) at equal or lower cost"
        )
    best = max(better, key=lambda row: row.accuracy)
    return (
        f"trial {best.trial} beats stock LoRA by {100 * (best.accuracy - stock.accuracy):.1f} points on validation "
        f"with {best.params / stock.params:.0%} of its parameters (one seed, the split the search selected on)"
    )
