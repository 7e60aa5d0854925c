"""Steps from a value of a parameter to values near it."""

from __future__ import annotations

from typing import Any

import numpy as np

from autopeft.space.parameters import Parameter

__all__ = ["moves"]

#: Standard deviations of the steps of a continuous parameter, of its range.
_SPREADS = (0.05, 0.2)


def moves(parameter: Parameter, value: Any, rng: np.random.Generator) -> list[Any]:
    """Return the values one step away from a value of a parameter.

    An ordered grid steps to both sides and jumps once at random (perhaps to where it is), a word changes to each
    other word, a number moves by Gaussian steps of several sizes.
    """
    if parameter.values is None:
        here = parameter.unit(value)
        steps = [sign * abs(rng.normal(0.0, spread)) for spread in _SPREADS for sign in (-1, 1)]
        return [parameter.at(min(max(here + step, 0.0), 1.0)) for step in steps]
    if not parameter.ordered:
        return [other for other in parameter.values if other != value]
    last = len(parameter.values) - 1
    beside = [index for index in (value - 1, value + 1) if 0 <= index <= last]
    return [*beside, int(rng.integers(0, last + 1))]
