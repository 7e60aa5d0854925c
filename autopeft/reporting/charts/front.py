"""The chart of the front: accuracy against each cost."""

from __future__ import annotations

from collections.abc import Sequence

from autopeft.costs import OBJECTIVES
from autopeft.methods import REFERENCES
from autopeft.reporting.chart import Axis, Chart, Line, Mark, Panel, Points, Rule
from autopeft.reporting.data.front import FrontPanel, PlacedFinalist, PlacedTrial, front_panels
from autopeft.reporting.run import Run
from autopeft.reporting.table import percent

__all__ = ["cost_title", "front_chart"]

_LABELS = {
    "dominated": "other trials",
    "over-budget": "over the budget",
    "stopped": "stopped early, as last measured",
    "failed": "failed, no accuracy",
    "lost": "lost to an error",
    "front": "front",
}


def front_chart(run: Run) -> Chart:
    """Draw all trials, the step line, the knee, the baselines and the finalists, a panel for each cost."""
    caption = (
        f"Each point is a trial: its validation {run.metric} against its cost, on a logarithmic axis that shows costs "
        "of 0 at the cheapest other one. The line is the best reached at or below each cost, the large ring the knee."
    )
    if run.finalists is not None:
        caption += f" Finalists are shown with their {run.metric} on test and its 95 % interval."
    return Chart(caption, tuple(_panel(run, panel) for panel in front_panels(run)))


def cost_title(run: Run, cost: str) -> str:
    """Return the title of the axis of a cost."""
    if cost == "params":
        return f"{run.result.kind.counted()} (backbone {run.result.scale.backbone:,})"
    return f"{OBJECTIVES[cost].meaning} ({OBJECTIVES[cost].unit})"


def _panel(run: Run, panel: FrontPanel) -> Panel:
    heights = [each.accuracy for each in panel.trials if each.accuracy is not None]
    heights += [end for each in panel.finalists for end in (each.finalist.test.low, each.finalist.test.high)]
    low, high = (min(heights), max(heights)) if heights else (0.0, 1.0)
    margin = 0.06 * (high - low) or 0.05
    # What has no accuracy stands below all that has one.
    floor = low - margin
    costs = [panel.cheapest, panel.highest]
    costs += [each.cost for each in panel.trials] + [each.cost for each in panel.finalists]
    limit = run.result.scale.limit
    marks: list[Mark] = [Rule(f"budget {limit:,}", x=limit)] if panel.cost == "params" else []
    if panel.steps[0]:
        marks.append(Line("best at or below a cost", "front", *panel.steps))
    for standing, label in _LABELS.items():
        some = [each for each in panel.trials if each.trial.standing == standing and not each.trial.baseline]
        marks += _trials(run, some, label, standing, floor)
    labels = {"head-only": run.result.kind.untouched}
    labels |= {each.name: f"{each.title} {each.in_words}" for each in REFERENCES}
    for baseline, label in labels.items():
        some = [each for each in panel.trials if each.trial.baseline == baseline]
        marks += _trials(run, some, f"{label} (baseline)", baseline, floor)
    marks += _knee(panel)
    if panel.finalists:
        marks.append(_finalists(panel.finalists))
    return Panel(
        title="" if len(run.result.scale.costs) == 1 else panel.cost,
        x=Axis(cost_title(run, panel.cost), log=True, ends=(0.7 * min(costs), 1.4 * max(costs))),
        y=Axis(f"validation {run.metric}", ends=(floor - margin, high + margin)),
        marks=tuple(marks),
    )


def _trials(run: Run, some: Sequence[PlacedTrial], label: str, style: str, floor: float) -> list[Mark]:
    if not some:
        return []
    heights = [floor if each.accuracy is None else each.accuracy for each in some]
    words = [_words(run, each) for each in some]
    return [Points(label, style, [each.cost for each in some], heights, words, [each.trial.number for each in some])]


def _words(run: Run, placed: PlacedTrial) -> str:
    trial = placed.trial
    reached = trial.status if placed.accuracy is None else f"{run.metric} {placed.accuracy:.4f}"
    if trial.standing == "stopped":
        reached += " when it was stopped"
    costs = [f"{name} {OBJECTIVES[name].shown(cost)}" for name, cost in trial.costs.items() if name != "params"]
    if trial.params is not None:
        costs.insert(0, f"{trial.params:,} parameters ({percent(trial.params / run.result.scale.backbone)})")
    why = f"\n{trial.message}" if trial.message else ""
    return f"{trial.named}\n{', '.join([reached, *costs])}{why}"


def _knee(panel: FrontPanel) -> list[Mark]:
    return [
        Points("knee", "knee", [each.cost], [each.accuracy], [f"knee: trial {panel.knee}"], [panel.knee])
        for each in panel.trials
        if each.trial.number == panel.knee and each.accuracy is not None
    ]


def _finalists(placed: Sequence[PlacedFinalist]) -> Points:
    some = [each.finalist for each in placed]
    words = [
        f"{each.name} on test: {each.test.mean:.4f}, 95 % interval {each.test.low:.4f} to {each.test.high:.4f}\n"
        f"{each.verdict}"
        for each in some
    ]
    return Points(
        "finalists on test",
        "finalist",
        [each.cost for each in placed],
        [each.test.mean for each in some],
        words,
        [each.trial for each in some],
        [(each.test.low, each.test.high) for each in some],
    )
