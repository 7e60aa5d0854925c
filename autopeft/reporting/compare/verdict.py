"""Whether the fronts of two runs differ, in one sentence a cost."""

from __future__ import annotations

import math
from collections.abc import Sequence

from autopeft.costs import OBJECTIVES
from autopeft.reporting.compare.gap import WIDTH, Gap, Reached, front_gap
from autopeft.reporting.data.front import FrontPanel, front_panels
from autopeft.reporting.run import Run

__all__ = ["verdicts"]


def verdicts(ours: Run, theirs: Run, our_name: str, their_name: str) -> list[str]:
    """Say of two comparable runs whether their fronts differ, a sentence for each cost.

    Finalists tell: they were trained with several seeds and measured on test. Without them every accuracy is one seed
    on the split that the search selected on, which cannot tell.
    """
    told = ours.finalists is not None and theirs.finalists is not None
    found = []
    for mine, other in zip(front_panels(ours), front_panels(theirs), strict=True):
        reach = _finalists if told else _trials
        highest = min(mine.highest, other.highest)
        gap = front_gap(reach(mine), reach(other), min(mine.cheapest, other.cheapest), highest)
        names = f"{our_name} and {their_name}"
        if gap is None:
            found.append(f"{names} have no range of {mine.cost} in common: nothing can be said")
        elif told:
            found.append(f"{_measured(gap, our_name, their_name, mine.cost, 'test')}: {_judged(gap)}")
        else:
            found.append(f"{_measured(gap, our_name, their_name, mine.cost, 'validation')}. {_one_seed(ours, theirs)}")
    return found


def _measured(gap: Gap, ours: str, theirs: str, cost: str, split: str) -> str:
    above, below = (ours, theirs) if gap.mean >= 0 else (theirs, ours)
    shown = OBJECTIVES[cost].shown
    return (
        f"from {shown(gap.start)} to {shown(gap.stop)} {cost}, the front of {above} lies {100 * abs(gap.mean):.2f} "
        f"points above that of {below} on {split}, on average over the logarithm of the cost"
    )


def _judged(gap: Gap) -> str:
    low, high = gap.interval if gap.mean >= 0 else (-gap.interval[1], -gap.interval[0])
    interval = f"95 % interval {100 * low:+.2f} to {100 * high:+.2f}"
    return f"{interval}, so they differ" if gap.differs else f"{interval}, so they cannot be told apart"


def _one_seed(ours: Run, theirs: Run) -> str:
    noise = ""
    if ours.metric == "accuracy":
        examples = ours.spec["trial"]["validation_examples"]
        best = max((row.accuracy for run in (ours, theirs) for row in run.result.front.rows), default=0.5)
        noise = f" with a standard error of about {100 * math.sqrt(best * (1 - best) / examples):.1f} points"
    return (
        f"Each of these accuracies is one seed{noise}, on the split that the search selected on: this cannot tell "
        "whether they differ; run `autopeft select` on both"
    )


def _finalists(panel: FrontPanel) -> Sequence[Reached]:
    return [
        Reached(
            each.cost,
            each.finalist.validation.mean,
            each.finalist.test.mean,
            (each.finalist.test.high - each.finalist.test.low) / (2 * WIDTH),
        )
        for each in panel.finalists
    ]


def _trials(panel: FrontPanel) -> Sequence[Reached]:
    return [
        Reached(each.cost, each.accuracy, each.accuracy)
        for each in panel.trials
        if each.trial.standing in ("front", "dominated") and each.accuracy is not None
    ]
