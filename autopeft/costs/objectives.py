"""The costs that a search can hold against accuracy."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Literal

from autopeft.errors import AutopeftError

__all__ = ["OBJECTIVES", "Objective", "read_objectives"]

#: Objectives at most, accuracy among them.
_MOST = 3


@dataclass(frozen=True)
class Objective:
    """A cost of a configuration; lower is better.

    Args:
        name: What `--objectives` calls it.
        known: `exact` before anything trains, `predicted` from measured steps, or `measured` in each trial.
        meaning: What it is, in words.
        unit: Its unit.
        noun: What a share is of, as in `12% of its parameters`.
    """

    name: str
    known: Literal["exact", "predicted", "measured"]
    meaning: str
    unit: str
    noun: str

    def shown(self, value: float) -> str:
        """Write a value for people."""
        if self.unit == "bytes":
            for size, unit in ((2**20, "MiB"), (2**10, "KiB")):
                if value >= size:
                    return f"{value / size:,.1f} {unit}"
            return f"{value:.0f} B"
        return f"{value:,.0f}" if self.known == "exact" else f"{value:.3g}"


#: Every cost by name.
OBJECTIVES = {
    each.name: each
    for each in (
        Objective("params", "exact", "trainable parameters of the adapters", "parameters", "parameters"),
        Objective("active", "exact", "parameters that train together at the most", "parameters", "active parameters"),
        Objective("bytes", "exact", "bytes of the saved adapters", "bytes", "bytes"),
        Objective(
            "flops", "exact", "further FLOPs of a forward per token, once merged where it can be", "FLOPs", "FLOPs"
        ),
        Objective("forward", "exact", "FLOPs of a forward per token, once merged where it can be", "FLOPs", "FLOPs"),
        Objective("nonzero", "exact", "bytes of the numbers other than 0 of backbone and adapters", "bytes", "bytes"),
        Objective("memory", "predicted", "peak memory of training", "bytes", "memory"),
        Objective(
            "time", "measured", "seconds of a training step, relative to training the head alone", "times", "step time"
        ),
    )
}


def read_objectives(text: str) -> tuple[str, ...]:
    """Read `accuracy,params` and the like; return the costs, in their order.

    Raises:
        AutopeftError: When a name is unknown or stands twice, when accuracy or a cost is missing, or when there are
            more than three.
    """
    names = [name.strip() for name in text.split(",")]
    expected = f"expected accuracy and one or two of {', '.join(OBJECTIVES)}, such as `accuracy,params`"
    for name in names:
        if name != "accuracy" and name not in OBJECTIVES:
            near = difflib.get_close_matches(name, ["accuracy", *OBJECTIVES], n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise AutopeftError(f"objectives {text!r}: there is no objective {name!r}; {expected}{hint}")
    if len(set(names)) < len(names):
        raise AutopeftError(f"objectives {text!r}: one stands twice; {expected}")
    costs = tuple(name for name in names if name != "accuracy")
    if len(costs) == len(names) or not costs or len(names) > _MOST:
        raise AutopeftError(f"objectives {text!r}: {expected}")
    return costs
