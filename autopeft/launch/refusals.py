"""What of a space PEFT cannot build on a backbone: known before anything trains."""

from __future__ import annotations

import numpy as np

from autopeft.costs import Costs
from autopeft.errors import ConfigurationError
from autopeft.space import BoundSpace

__all__ = ["refusals"]

#: Points that are tried; each kind of refusal of a method is likely among them.
_TRIED = 200


def refusals(space: BoundSpace, costs: Costs) -> tuple[str, ...]:
    """Try points of a space on the meta device; return why PEFT refuses some, one reason for each method.

    The sampler proposes none of them, whether tried here or not: each proposal's cost is computed by building it.
    """
    rng = np.random.default_rng(0)
    found: dict[str, str] = {}
    for _ in range(_TRIED):
        try:
            costs.params(space.decode(space.sample(rng)))
        except ConfigurationError as error:
            found.setdefault(str(error).partition(":")[0], f"{error}; such configurations are not proposed")
    return tuple(found.values())
