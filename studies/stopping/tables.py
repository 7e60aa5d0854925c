"""Finished runs with their curves, as recorded tables keep them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autopeft.samplers import Finished

__all__ = ["Run", "Table", "read_table"]

#: PEFT's method comparison scores (log10 of the trainable share in percent, accuracy) from the point (2, 0).
_PEFT_LIMIT, _PEFT_REFERENCE = 100.0, 0.0


@dataclass(frozen=True)
class Run:
    """One finished run.

    Args:
        name: What was trained.
        finished: Cost, final accuracy and curve. The curve has the rungs and, last, the end; its points have
            `seconds` since the run began, too.
        baseline: Whether a search runs it first and never stops it.
    """

    name: str
    finished: Finished
    baseline: bool = False

    def share(self, rung: int) -> float:
        """Return the share of its steps a run has behind it at a rung."""
        return self.finished.curve[rung]["step"] / self.finished.curve[-1]["step"]

    def seconds(self, rung: int) -> float:
        """Return how long a run takes to get to a rung."""
        return self.finished.curve[rung]["seconds"]


@dataclass(frozen=True)
class Table:
    """Runs on one task and backbone, and how a set of them is scored (see `autopeft.samplers.hypervolume`).

    Args:
        runs: The runs.
        limit: The reference point's cost.
        reference: The reference point's accuracy.
        cheapest: Stands in for lower costs.
    """

    runs: tuple[Run, ...]
    limit: float
    reference: float
    cheapest: float

    @property
    def scoring(self) -> dict[str, float]:
        """Return the arguments by which a set of runs is scored."""
        return {"limit": self.limit, "reference": self.reference, "cheapest": self.cheapest}


def read_table(path: Path, rungs: Sequence[float]) -> Table:
    """Read a table of PEFT's method comparison, or one of `studies.arena.record`, where a second seed is a run too.

    Args:
        path: A JSONL file.
        rungs: Shares of training at which runs are looked at; the nearest measured ones are taken, of two equally
            near the later.
    """
    first, *rest = [json.loads(line) for line in path.read_text(encoding="utf8").splitlines()]
    if "peft_config" in first:
        runs = [_of_peft(row) for row in (first, *rest)]
        cheapest = min(run.finished.cost for run in runs)
        return Table(tuple(_at_rungs(run, rungs) for run in runs), _PEFT_LIMIT, _PEFT_REFERENCE, cheapest)
    runs = [Run(row["name"], Finished(row["cost"], row["curve"], row["accuracy"]), row["baseline"]) for row in rest]
    return Table(tuple(_at_rungs(run, rungs) for run in runs), **first)


def _of_peft(row: dict[str, Any]) -> Run:
    """Read a run: its loss is that of training, the only one it has; its time is spread evenly over its steps."""
    *points, end = row["curve"]
    pace = row["train_time"] / end["step"]
    curve = [
        {"step": p["step"], "accuracy": p["valid accuracy"], "loss": p["train loss"], "seconds": pace * p["step"]}
        for p in points
    ]
    cost = 100 * row["trainable"] / row["total"]
    return Run(row["name"], Finished(cost, curve, end["test accuracy"]))


def _at_rungs(run: Run, rungs: Sequence[float]) -> Run:
    curve = run.finished.curve
    total = curve[-1]["step"]
    wanted = {
        min(curve[:-1], key=lambda p: (round(abs(p["step"] / total - share), 9), -p["step"]))["step"] for share in rungs
    }
    kept = [point for point in curve if point["step"] in wanted or point["step"] == total]
    return Run(run.name, Finished(run.finished.cost, kept, run.finished.accuracy), run.baseline)
