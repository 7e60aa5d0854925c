"""Entropic optimal transport: what it costs to move one distribution of rows onto another, row by row."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from autopeft.errors import ConfigurationError

__all__ = ["calibrated", "potentials"]

#: Rounds at most, and at most on the way to the weight of the entropy from larger ones; in each one step in logarithms,
#: and cheaper ones by factors.
_ROUNDS, _ON_THE_WAY = 100, 3
_STEPS = 20

Floats = NDArray[np.float64]


def potentials(
    cost: Floats,
    epsilon: float,
    source: Floats | None = None,
    target: Floats | None = None,
    tolerance: float = 1e-3,
) -> tuple[Floats, Floats]:
    """Return the dual potentials `f` and `g` of optimal transport with an entropy (Cuturi 2013), by Sinkhorn's steps.

    They maximise `<f, source> + <g, target> - epsilon <exp((f + g - cost) / epsilon) - 1, source x target>`, so that
    the derivative of the value with respect to the mass of a row is its `f`, but for a constant.

    Args:
        cost: Of moving a row onto another, `[n, m]`; infinite where that is not to be.
        epsilon: Weight of the entropy, in the unit of the costs.
        source: Mass of the rows, summing to 1, `[n]`; alike when left out.
        target: Mass of those they are moved onto, `[m]`; likewise.
        tolerance: By how much the mass of all rows may be missed in all.

    Raises:
        ConfigurationError: When so many steps are not enough.
    """
    a = np.full(len(cost), 1 / len(cost)) if source is None else source
    b = np.full(cost.shape[1], 1 / cost.shape[1]) if target is None else target
    g = np.zeros(len(b))
    # Potentials are far from each other where rows come in clusters, and get there by steps as large as epsilon.
    larger = cost[np.isfinite(cost)].max() / 4
    while larger > epsilon:
        _, g, _ = _rounds(cost, larger, a, b, g, tolerance, _ON_THE_WAY)
        larger /= 2
    f, g, missed = _rounds(cost, epsilon, a, b, g, tolerance, _ROUNDS)
    if missed > tolerance:
        raise ConfigurationError(
            f"optimal transport with an epsilon of {epsilon:g} has not settled after {_ROUNDS * _STEPS} steps; "
            "expected a larger one in data.optimal_transport_epsilon"
        )
    return f, g


def _rounds(
    cost: Floats, epsilon: float, a: Floats, b: Floats, g: Floats, tolerance: float, most: int
) -> tuple[Floats, Floats, float]:
    """Go on from the potentials `g`; return both, and by how much the mass of all rows is missed."""
    for number in range(most):
        # In logarithms nothing is lost, however small epsilon is.
        f: Floats = -epsilon * logsumexp((g - cost) / epsilon, axis=1, b=b)
        g = -epsilon * logsumexp((f - cost.T) / epsilon, axis=1, b=a)
        plan = a[:, None] * np.exp((f[:, None] + g - cost) / epsilon) * b
        missed = float(np.abs(plan.sum(axis=1) - a).sum())
        if missed <= tolerance or number == most - 1:
            break
        with np.errstate(all="ignore"):
            v = np.ones(len(b))
            for _ in range(_STEPS):
                u = a / (plan @ v)
                v = b / (u @ plan)
        if np.isfinite(v).all() and (v > 0).all():
            g = g + epsilon * np.log(v)
    return f, g, missed


def calibrated(f: Floats) -> Floats:
    """Return the derivative of the value as mass moves to each row from all others alike, `[n]`."""
    return (f - f.mean()) * (len(f) / max(1, len(f) - 1))
