"""The chart of knob importances."""

from __future__ import annotations

from autopeft.reporting.chart import Absent, Axis, Bars, Chart, Panel
from autopeft.reporting.data.importance import BEST, Importance, knob_importances
from autopeft.reporting.run import Run
from autopeft.reporting.table import percent

__all__ = ["importance_chart"]

#: Knobs shown at most.
_MOST = 12


def importance_chart(run: Run) -> Chart | Absent:
    """Draw the most important knobs for each objective."""
    found = knob_importances(run)
    if isinstance(found, Absent):
        return found
    caption = (
        f"How much each knob told apart the best {percent(BEST)} of the trials from the others, for each objective by "
        f"itself (PED-ANOVA, by Optuna). {found[0].trials} trials of the space have finished: the fewer, the less "
        "this means."
    )
    return Chart(caption, tuple(_panel(run, each) for each in found))


def _panel(run: Run, found: Importance) -> Panel:
    shown = found.shares[:_MOST][::-1]
    rows = range(len(shown))
    shares = [share for _, share in shown]
    words = [f"{name}: {percent(round(share, 4))} of the importance" for name, share in shown]
    return Panel(
        title=run.metric if found.objective == "accuracy" else found.objective,
        x=Axis("importance", ends=(0.0, 1.05 * max(shares) or 1.0)),
        y=Axis("", ticks=tuple((row, name) for row, (name, _) in zip(rows, shown, strict=True))),
        marks=(Bars("", "bar", rows, [0.0] * len(shown), shares, words, [None] * len(shown)),),
    )
