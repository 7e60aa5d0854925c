"""Which differences on test can be told, said before anything is measured there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import multivariate_normal, norm

from autopeft.selection.racing import LEAST_SEEDS
from autopeft.selection.statistics import CONFIDENCE, Difference, Estimates

__all__ = ["USUAL", "Noise", "expected_half_width", "foreseen", "half_width"]

#: Comparisons that hold together in a selection of usual size, as many independent ones as would widen it as much.
_COMPARISONS = 12


@dataclass(frozen=True)
class Noise:
    """How trainings differ: an example is right where a level exceeds its difficulty, which has variance 1.

    Args:
        luck: Standard deviation of the level between seeds.
        common: Share of the difficulty that all configurations share.
        own: Share that the seeds of one configuration share.
    """

    luck: float
    common: float
    own: float


#: What was fitted to the finalists of the default job (studies/finalists): a guess for other tasks.
USUAL = Noise(luck=0.053, common=0.9, own=0.06)


#: Seeds on the splits.
_SEEDS = {"validation": 1, "test": LEAST_SEEDS}

#: About what is reached, where nothing has been measured yet.
_REACHED = 0.75


def expected_half_width(split: str, examples: int) -> float:
    """Return half the width that intervals of differences will have, as a guess beforehand.

    Args:
        split: `validation`, where a search has one seed of each, or `test`, where finalists have several.
        examples: How many of it are measured that stand alone.
    """
    return half_width(examples, _REACHED, seeds=_SEEDS[split])


def half_width(examples: int, accuracy: float, seeds: int = LEAST_SEEDS, noise: Noise = USUAL) -> float:
    """Return half the width that the interval of a difference of two configurations will have.

    Args:
        examples: Units of the test split that are measured.
        accuracy: About what both reach; for a metric that is no share of right answers this is a guess.
        seeds: Seeds of each.
        noise: How trainings differ.
    """
    level = float(norm.ppf(min(max(accuracy, 0.02), 0.98)))
    right = float(norm.cdf(level))
    spread = right * (1 - right)

    def shared(correlation: float) -> float:
        """The covariance of right answers of two trainings."""
        return float(multivariate_normal.cdf([level, level], cov=[[1, correlation], [correlation, 1]])) - right**2

    each = spread / seeds + (1 - 1 / seeds) * shared(noise.common + noise.own)
    by_examples = 2 * (each - shared(noise.common)) / examples
    by_seeds = 2 * (float(norm.pdf(level)) * noise.luck) ** 2 / seeds
    return _quantile(_COMPARISONS) * math.sqrt(by_examples + by_seeds)


def foreseen(
    validation: Estimates, pairs: Sequence[tuple[int, int]], examples: int
) -> dict[tuple[int, int], Difference]:
    """Return differences with the intervals that they would have on test, as validation tells.

    Args:
        validation: What finalists reached on validation.
        pairs: The differences.
        examples: Units of the test split.
    """
    ratio = validation.count / examples
    both = np.minimum(validation.both, validation.seeds)
    scaled = replace(
        validation,
        examples=validation.examples * ratio,
        seeds=validation.seeds - both + both * ratio,
        both=both * ratio,
        count=examples,
    )
    return scaled.differences(pairs)


def _quantile(comparisons: int) -> float:
    """Return by how much a standard error is multiplied where so many independent intervals hold together."""
    return float(norm.isf((1 - CONFIDENCE ** (1 / comparisons)) / 2))
