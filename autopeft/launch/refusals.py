"""What of a space PEFT cannot build on a backbone, or a target cannot express: known before anything trains."""

from __future__ import annotations

import numpy as np

from autopeft.costs import Costs
from autopeft.errors import ConfigurationError
from autopeft.launch.target import Refuses, nothing
from autopeft.space import BoundSpace

__all__ = ["refusals"]

#: Points that are tried; each kind of refusal of a method is likely among them.
_TRIED = 200


def refusals(space: BoundSpace, costs: Costs, refuses: Refuses = nothing) -> tuple[str, ...]:
    """Try points of a space on the meta device; return why some are refused, one reason for each method.

    Args:
        space: The space.
        costs: Counts what PEFT can build, and says what it cannot.
        refuses: Says what is refused beside.

    The sampler proposes none of them, whether tried here or not: each proposal's cost is computed by building it.
    """
    rng = np.random.default_rng(0)
    found: dict[str, str] = {}
    for _ in range(_TRIED):
        configuration = space.decode(space.sample(rng))
        try:
            costs.params(configuration)
        except ConfigurationError as error:
            reason, about = str(error), str(error).partition(":")[0]
        else:
            reason = (refuses(configuration) if configuration.modules else None) or ""
            about = reason.partition(" (")[0]
        if reason:
            found.setdefault(about, reason)
    return tuple(found.values())
