"""Choosing rows by what they do for a surrogate and how hard they are for the model, over the whole range (DEALRec)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autopeft.levers.pool import Pool
from autopeft.space.vocabulary import Knob

__all__ = ["EFFORT", "INFLUENCE", "Influence", "influences"]

#: Names of the scores: what the surrogate's loss would gain without a row, and how much the model is moved by it.
INFLUENCE, EFFORT = "influence", "effort"

#: Share of the rows with the highest overall scores that are left out, where enough others are there.
_HARDEST = 0.1

#: What is added to the curvature: the damping of the release's LiSSA, 0.01, times its scale, 25.
_DAMPING = 0.25

#: What is left of the equation, as a share, when it is solved; and steps at most.
_SOLVED = 1e-8
_STEPS = 2000

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Influence:
    """Rows over the whole range of influence and effort together, but for the highest."""

    name: str = "influence"
    source: str = "DEALRec (Lin et al. 2024, arXiv:2401.17197)"
    summary: str = (
        "rows of every sort by their influence on a trained head and the effort they take, the hardest left out"
    )
    knobs: tuple[Knob, ...] = (
        Knob("weight", "float", "weight of the effort", 0.5, range="0.3 | 0.5 | 1", low=0.0, high=100.0),
        Knob("strata", "int", "sorts, of equally wide ranges of scores", 25, range="25 | 50", low=1, high=1000),
    )
    needs: tuple[str, ...] = (INFLUENCE, EFFORT)
    scored_by: tuple[str, ...] = ()

    def choose(self, pool: Pool, count: int, knobs: Mapping[str, Any], rng: np.random.Generator) -> NDArray[np.int64]:
        """Return rows at random from each stratum, as many of one as of another where it has them."""
        overall = _ranged(pool.scores[INFLUENCE]) + float(knobs["weight"]) * _ranged(pool.scores[EFFORT])
        left = easier(overall, count)
        return left[stratified(overall[left], count, int(knobs["strata"]), rng)]


def easier(overall: Floats, count: int) -> NDArray[np.int64]:
    """Return the rows without the tenth with the highest scores, or less of it where so many would not be left."""
    hardest = min(int(_HARDEST * len(overall)), len(overall) - count)
    return np.sort(np.argsort(overall, kind="stable")[: len(overall) - hardest])


def stratified(scores: Floats, count: int, strata: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Choose rows from strata of scores, the smallest first; each gives an equal part of what is left to choose.

    Args:
        scores: Those of the rows, `[n]`.
        count: How many to choose, at most all.
        strata: How many equally wide ranges from the lowest score to the highest there are; some may have no rows.
        rng: The source of chance.
    """
    places = np.ceil(_ranged(scores) * strata).astype(int).clip(1)
    groups = sorted((np.flatnonzero(places == place) for place in np.unique(places)), key=len)
    chosen: list[NDArray[np.int64]] = []
    for number, group in enumerate(groups):
        share = (count - sum(map(len, chosen))) // (len(groups) - number)
        chosen.append(rng.permutation(group)[:share])
    return np.concatenate(chosen)


def influences(
    features: Floats,
    gradients: Floats,
    curvature: Callable[[Floats], Floats],
    others: tuple[Floats, Floats] | None = None,
) -> Floats:
    """Return by how much the mean loss would rise without each row, times the number of rows (Koh and Liang 2017).

    That is `v (H + 0.25)^-1 g` for the gradient `g` of a row, their mean `v` and the mean curvature `H`, all with
    respect to the last layer: what LiSSA, as in the release, tends to. Conjugate gradients solve the equation here.

    Args:
        features: What the last layer reads of each row, with a 1 where it has a bias, `[n, d]`.
        gradients: The derivatives of each row's loss with respect to its outputs, `[n, c]`.
        curvature: Returns for a change of the outputs of each row the change of these derivatives, `[n, c]` both.
        others: Features and gradients of other rows, `[m, d]` and `[m, c]`, of which it is to be told by how much the
            mean loss falls with each; of these rows themselves when left out.
    """
    mean = gradients.T @ features / len(features)

    def damped(change: Floats) -> Floats:
        return curvature(features @ change.T).T @ features / len(features) + _DAMPING * change

    solved = _solved(damped, mean)
    of, slopes = (features, gradients) if others is None else others
    return np.einsum("nc,nc->n", slopes, of @ solved.T)


def _solved(times: Callable[[Floats], Floats], right: Floats) -> Floats:
    """Solve `times(x) = right` for a positive definite linear `times`, by conjugate gradients."""
    found, residual = np.zeros_like(right), right.copy()
    direction, size = residual, float((residual**2).sum())
    enough = _SOLVED**2 * size
    for _ in range(_STEPS):
        if size <= enough:
            break
        ahead = times(direction)
        step = size / float((direction * ahead).sum())
        found, residual = found + step * direction, residual - step * ahead
        before, size = size, float((residual**2).sum())
        direction = residual + size / before * direction
    return found


def _ranged(scores: Floats) -> Floats:
    """Return scores brought to the range from 0 to 1; all 0 where they are alike."""
    low, high = scores.min(), scores.max()
    return (scores - low) / (high - low) if high > low else np.zeros_like(scores)
