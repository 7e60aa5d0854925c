"""Whether validation and test are of different difficulty, beyond what the draw of their examples explains."""

from __future__ import annotations

import math

from autopeft.selection.statistics import Estimates
from autopeft.tasks import Task

__all__ = ["gap_of"]


def gap_of(task: Task, validation: Estimates, test: Estimates, place: int | None) -> str:
    """Say that a finalist reaches something else on test than on validation, and why that may be; nothing if not.

    Args:
        task: The data.
        validation: What finalists reached there.
        test: What they reached on test.
        place: One that nobody chose for what it reached; None where there is none.
    """
    if place is None:
        return ""
    apart = float(validation.means[place] - test.means[place])
    margin = math.hypot(validation.margin(place), test.margin(place))
    if abs(apart) <= margin:
        return ""
    if harder := task.kind.harder(task):
        reason = harder
    elif len({account.source for name, account in task.intake.items() if name in task.splits}) > 1:
        reason = "they were not split off the same rows, and one of them is harder"
    elif task.groups:
        reason = "they hold other groups, and those of one of them are harder"
    else:
        reason = "they were split off the same rows, so it may be the one time in twenty"
    return (
        f"validation ({validation.means[place]:.4f}) and test ({test.means[place]:.4f}) are {100 * abs(apart):.1f} ± "
        f"{100 * margin:.1f} points apart, more than the draw of examples explains: {reason}. Compare on one of them"
    )
