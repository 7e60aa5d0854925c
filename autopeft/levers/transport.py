"""Choosing the rows that move a pool towards a target distribution (GOT-D)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autopeft.levers.pool import Pool
from autopeft.levers.sinkhorn import calibrated, potentials
from autopeft.space.vocabulary import Knob

__all__ = ["TRANSPORT", "OptimalTransport", "transport_scores"]

#: Name of the score: what it costs to have a little more of a row, but for a constant.
TRANSPORT = "transport"

#: Costs of moving rows onto others that are looked at; where there are more, so many of the target are drawn.
_PAIRS = 8_000_000
_LEAST_TARGETS = 100

#: A mean cost under which all rows are alike, but for rounding.
_ALIKE = 1e-12

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class OptimalTransport:
    """The rows of which more brings the pool nearest to its target.

    In the paper the target is the data of the task, and a negative target is rows to keep away from.
    """

    name: str = "optimal_transport"
    source: str = "GOT-D (Kang et al. 2024, arXiv:2405.02774)"
    summary: str = "rows of which more brings the pool nearest to the training rows, as the backbone sees them"
    knobs: tuple[Knob, ...] = (
        Knob(
            "epsilon",
            "float",
            "weight of the entropy, as a multiple of the mean cost (values, no range)",
            0.1,
            range="0.05 | 0.1 | 0.5",
            low=0.01,
            high=10.0,
        ),
        Knob(
            "direction",
            "choice",
            "rows that bring it nearer, or further away (a negative target)",
            "near",
            choices=("near", "far"),
        ),
    )
    needs: tuple[str, ...] = (TRANSPORT,)
    scored_by: tuple[str, ...] = ("epsilon",)

    def choose(self, pool: Pool, count: int, knobs: Mapping[str, Any], rng: np.random.Generator) -> NDArray[np.int64]:
        """Return the rows with the most negative gradient, or of a negative target the most positive."""
        gradient = calibrated(pool.scores[TRANSPORT])
        return np.argsort(gradient if knobs["direction"] == "near" else -gradient, kind="stable")[:count]


def transport_scores(pool: Floats, epsilon: float, rng: np.random.Generator, target: Floats | None = None) -> Floats:
    """Return the potential of each row of a pool, float64 `[n]`.

    Args:
        pool: The rows as vectors, `[n, d]`; they are brought to length 1, and the cost is the squared distance.
        epsilon: Weight of the entropy, as a multiple of the mean cost.
        rng: Draws of a large target.
        target: The rows of the target, `[m, d]`. When left out they are those of the pool, each of which is moved onto
            others only: else all would be best where they are.

    Raises:
        ConfigurationError: When epsilon is too small.
    """
    others = pool if target is None else target
    most = max(_LEAST_TARGETS, _PAIRS // max(1, len(pool)))
    drawn = np.sort(rng.permutation(len(others))[:most])
    cost = 1.0 - _unit(pool) @ _unit(others[drawn]).T
    cost /= max(float(cost.mean()), _ALIKE)
    if target is None:
        if len(pool) < 2:
            return np.zeros(len(pool))
        cost[drawn, np.arange(len(drawn))] = np.inf
    return potentials(cost, epsilon)[0]


def _unit(rows: Floats) -> Floats:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.finfo(float).tiny)
