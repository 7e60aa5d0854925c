"""Limits on trainable parameters in a space that decide nothing on a backbone."""

from __future__ import annotations

from collections.abc import Sequence

from autopeft.costs.budget import Budget
from autopeft.space.extremes import Extreme

__all__ = ["idle_budgets"]


def idle_budgets(
    budgets: Sequence[str], cheapest: Extreme, dearest: Extreme, num_parameters: int
) -> tuple[list[str], list[str]]:
    """Return what is to be said of limits that allow all of a space, and of those that allow none of it.

    Args:
        budgets: The limits as written, e.g. `1%`.
        cheapest: The space's cheapest configuration.
        dearest: Its dearest.
        num_parameters: Number of parameters of the backbone.

    Returns:
        Warnings, and faults; nothing of a limit where an extreme that would decide it is not exact.
    """
    warnings, faults = [], []
    for text in budgets:
        limit = Budget.parse(text).limit(num_parameters)
        if dearest.exact and dearest.cost <= limit:
            warnings.append(f"the limit of {text}: it forbids nothing: no configuration has more than {dearest.cost:,}")
        if cheapest.exact and cheapest.cost > limit:
            faults.append(f"the limit of {text} is {limit:,}, expected at least {cheapest.cost:,}: none has fewer")
    return warnings, faults
