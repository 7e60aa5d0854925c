"""The chart of learning curves."""

from __future__ import annotations

from autopeft.reporting.chart import Absent, Axis, Chart, Line, Mark, Panel, Points
from autopeft.reporting.data.curves import Curve, learning_curves
from autopeft.reporting.run import Run

__all__ = ["curves_chart"]


def curves_chart(run: Run) -> Chart | Absent:
    """Draw what every trial measured on the way, and where trials were stopped early."""
    curves = learning_curves(run)
    if isinstance(curves, Absent):
        return curves
    caption = (
        f"Validation {run.metric} as trials went on, those of the front in blue. On the way it is measured on a part "
        "of the validation examples, at the end on all that trials use. Triangles mark trials that were stopped early."
    )
    marks: list[Mark] = [_line(run, curve) for curve in curves]
    stopped = [curve for curve in curves if curve.trial.standing == "stopped"]
    if stopped:
        marks.append(
            Points(
                "stopped early",
                "stopped",
                [curve.steps[-1] for curve in stopped],
                [curve.accuracies[-1] for curve in stopped],
                [_words(run, curve, -1) for curve in stopped],
                [curve.trial.number for curve in stopped],
            )
        )
    return Chart(caption, (Panel("", Axis("training steps"), Axis(f"validation {run.metric}"), tuple(marks)),))


def _line(run: Run, curve: Curve) -> Line:
    front = curve.trial.standing == "front"
    words = [_words(run, curve, place) for place in range(len(curve.steps))]
    look = ("front", "growth") if front else ("other trials", "faint")
    return Line(*look, curve.steps, curve.accuracies, words, curve.trial.number)


def _words(run: Run, curve: Curve, place: int) -> str:
    told = f"after {curve.steps[place]} steps: {run.metric} {curve.accuracies[place]:.4f}"
    return f"{curve.trial.named}\n{told}"
