"""The front as a figure: accuracy against each cost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from autopeft.costs import OBJECTIVES
from autopeft.report.words import cost_in_words, untouched_in_words
from autopeft.study import Front, FrontRow, Scale

__all__ = ["draw_front", "step_points"]


def step_points(rows: tuple[FrontRow, ...], scale: Scale) -> tuple[list[float], list[float]]:
    """Return the corners of the step line of a front of one cost: best accuracy at or below each, up to the highest.

    Costs of 0 are drawn at the cheapest non-zero cost, since the axis is logarithmic.
    """
    [(name, (cheapest, highest))] = scale.costs.items()
    xs: list[float] = []
    ys: list[float] = []
    for row in rows:
        x = float(max(row.costs[name], cheapest))
        if ys:
            xs.append(x)
            ys.append(ys[-1])
        xs.append(x)
        ys.append(row.accuracy)
    if ys:
        xs.append(float(highest))
        ys.append(ys[-1])
    return xs, ys


def draw_front(front: Front, scale: Scale, metric: str, path: Path) -> None:
    """Draw the front, the dominated trials, the baselines and the budget into an image file, a panel for each cost."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8 * len(scale.costs), 5), dpi=150, layout="constrained")
    for place, name in enumerate(scale.costs, 1):
        axes = figure.add_subplot(1, len(scale.costs), place)
        _draw_panel(axes, front, scale, name, metric)
    if len(scale.costs) == 1:
        axes.plot(*step_points(front.rows, scale), color="#1f5fa8", lw=1.5, zorder=2)
    figure.savefig(path)


def _draw_panel(axes: Any, front: Front, scale: Scale, cost: str, metric: str) -> None:
    cheapest, highest = scale.costs[cost]

    def x(row: FrontRow) -> float:
        return max(row.costs[cost], cheapest)

    axes.set_xscale("log")
    others = [row for row in front.others if row.accuracy > 0]
    axes.scatter(
        [x(row) for row in others],
        [row.accuracy for row in others],
        s=18,
        color="#b8bcc2",
        label="other trials",
        zorder=1,
    )
    searched = [row for row in front.rows if not row.baseline]
    axes.scatter(
        [x(row) for row in searched],
        [row.accuracy for row in searched],
        s=36,
        color="#1f5fa8",
        label="front",
        zorder=3,
    )
    for name, marker in (("head-only", "s"), ("stock-lora", "D")):
        rows = [row for row in front.baselines if row.baseline == name]
        axes.scatter(
            [x(row) for row in rows],
            [row.accuracy for row in rows],
            s=44,
            marker=marker,
            color="#d1622b",
            label={"head-only": untouched_in_words(metric), "stock-lora": "stock LoRA r=8 q,v"}[name],
            zorder=4,
        )
    if cheapest < highest:
        axes.set_xlim(0.7 * cheapest, 1.4 * max(highest, *(row.costs[cost] for row in front.baselines), 1))
    if cost == "params":
        axes.axvline(scale.limit, color="#777777", ls="--", lw=1, label=f"budget {scale.limit:,}")
        axes.set_xlabel(f"{cost_in_words(metric)} (backbone {scale.backbone:,})")
    else:
        axes.set_xlabel(f"{OBJECTIVES[cost].meaning} ({OBJECTIVES[cost].unit})")
    axes.set_ylabel(f"validation {metric}")
    axes.grid(True, which="major", color="#e6e6e6", lw=0.6)
    axes.set_axisbelow(True)
    axes.legend(loc="lower right", frameon=False)
