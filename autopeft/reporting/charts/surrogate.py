"""The chart of how well the model of accuracy predicts."""

from __future__ import annotations

from autopeft.reporting.chart import Absent, Axis, Chart, Panel, Points
from autopeft.reporting.data.surrogate import Prediction, surrogate_prediction
from autopeft.reporting.run import Run
from autopeft.reporting.table import percent

__all__ = ["surrogate_chart"]


def surrogate_chart(run: Run) -> Chart | Absent:
    """Draw predicted against measured accuracy, each trial predicted by a model that has not seen it."""
    found = surrogate_prediction(run)
    if isinstance(found, Absent):
        return found
    each = found.trials
    ends = [end for one in each for end in (one.measured, one.low, one.high)]
    margin = 0.03 * (max(ends) - min(ends))
    span = (min(ends) - margin, max(ends) + margin)
    words = [
        f"{run.by_number[one.number].named}\n"
        f"measured {one.measured:.4f}, predicted {one.mean:.4f} ({one.low:.4f} to {one.high:.4f})"
        for one in each
    ]
    points = Points(
        "trials, with 95 % intervals",
        "bar",
        [one.measured for one in each],
        [one.mean for one in each],
        words,
        [one.number for one in each],
        [(one.low, one.high) for one in each],
    )
    panel = Panel(
        "",
        Axis(f"measured validation {run.metric}", ends=span),
        Axis(f"predicted {run.metric}", ends=span),
        (points,),
        diagonal=True,
    )
    return Chart(_caption(found), (panel,))


def _caption(found: Prediction) -> str:
    rank = "" if found.rank_correlation is None else f", rank correlation {found.rank_correlation:.2f}"
    return (
        f"The Gaussian process of `--sampler pareto`, fitted {found.folds} times without a part of the trials, "
        f"predicts those left out: off by {found.error:.4f} (root mean square; the mean of all trials is off by "
        f"{found.spread:.4f}){rank}; {percent(found.covered)} of the 95 % intervals hold the measured value."
    )
