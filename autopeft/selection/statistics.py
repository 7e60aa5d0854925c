"""What repeated trainings say of the accuracies of several contenders: over seeds and over examples.

Scores are a contender x seed x example table, crossed in the examples, which all trainings of all contenders are
measured on, and nested in the seeds, which mean another thing to each contender. The variance of a mean over both is
that of readers and cases in diagnostic imaging (Obuchowski and Rockette 1995, "Hypothesis testing of diagnostic
accuracy for multiple readers and multiple tests"), by the components of variance of the two-way table. Examples are
paired between contenders by their covariance.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import stats

__all__ = ["CONFIDENCE", "Difference", "Estimates", "estimate", "on_front", "standard_normals"]

#: Confidence of every interval.
CONFIDENCE = 0.95

#: A contender's own seeds are few, so their variance is drawn towards that of all, which counts as so many further
#: seeds: the moderated variance of Smyth 2004, "Linear models and empirical Bayes methods". Its weight is fixed, for
#: standard deviations that differ between configurations by a factor of about 1.6.
_SHARED_SEEDS = 3

#: Draws of the accuracies, for what has no closed form: a probability is off by 1.6 points at most, 19 times in 20.
_DRAWS = 4096

Scores = Sequence[NDArray[np.float64]]


@dataclass(frozen=True)
class Difference:
    """How much better one contender is than another.

    Args:
        mean: The estimate.
        margin: Half the width of its confidence interval.
        probability: Probability that it is above 0, all differences being as likely beforehand.
    """

    mean: float
    margin: float
    probability: float

    def above(self, value: float) -> bool:
        """Whether all of its interval lies above a value."""
        return self.mean - self.margin > value


@dataclass(frozen=True)
class Estimates:
    """Mean accuracies of `k` contenders and how sure they are.

    Args:
        means: The means over seeds and examples, `[k]`.
        examples: What the choice of examples adds to their covariance, `[k, k]`.
        seeds: What the choice of seeds adds to their variances, `[k]`.
        both: How much of that is what seed and example do together, `[k]`.
        count: Number of examples.
        freedom: Degrees of freedom of `seeds`, `[k]`.
    """

    means: NDArray[np.float64]
    examples: NDArray[np.float64]
    seeds: NDArray[np.float64]
    both: NDArray[np.float64]
    count: int
    freedom: NDArray[np.float64]

    def margin(self, index: int) -> float:
        """Return half the width of the confidence interval of one mean."""
        error, freedom = self._error([index], self.examples[index, index])
        return float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom) * error)

    def difference(self, index: int, reference: int) -> Difference:
        """Compare two contenders."""
        return self.differences([(index, reference)])[index, reference]

    def differences(self, pairs: Sequence[tuple[int, int]]) -> dict[tuple[int, int], Difference]:
        """Compare pairs of contenders; their intervals hold at once.

        So may whichever of them be spoken of, picked by any rule (Berk et al. 2013, "Valid post-selection inference").
        Standard errors are multiplied by the quantile of the largest of the standardised differences, which hang
        together (Hothorn, Bretz and Westfall 2008, "Simultaneous inference in general parametric models").

        Args:
            pairs: Of each the contender and what it is compared with.
        """
        found: dict[tuple[int, int], Difference] = {}
        parts = {pair: self._error(list(pair), self._between(*pair)) for pair in pairs}
        if not parts:
            return found
        apart = self.draws() - self.means
        largest = np.max([np.abs(apart[:, i] - apart[:, j]) / parts[i, j][0] for i, j in parts], axis=0)
        # For one pair alone there is a closed form.
        tail = stats.norm.sf(np.quantile(largest, CONFIDENCE)) if len(parts) > 1 else (1 - CONFIDENCE) / 2
        for (index, reference), (error, freedom) in parts.items():
            mean = float(self.means[index] - self.means[reference])
            margin = float(stats.t.isf(tail, freedom) * error)
            found[index, reference] = Difference(mean, margin, float(stats.t.cdf(mean / error, freedom)))
        return found

    def _between(self, index: int, reference: int) -> float:
        """Return what the choice of examples adds to the variance of a difference."""
        both = self.examples[index, index] + self.examples[reference, reference]
        return float(both - 2 * self.examples[index, reference])

    def draws(self) -> NDArray[np.float64]:
        """Return draws of what the true means may be, always the same ones: `[draws, k]`."""
        # An estimated covariance of contenders that are nearly the same may not be positive definite.
        values, vectors = np.linalg.eigh(self.examples + np.diag(self.seeds))
        return self.means + standard_normals(len(self.means)) @ (vectors * np.sqrt(values.clip(0))).T

    def _error(self, indices: Sequence[int], examples: float) -> tuple[float, float]:
        """Return a standard error and its degrees of freedom, after Satterthwaite 1946."""
        # Never as sure as if one example in all had gone the other way.
        parts = np.array([max(examples, 1 / self.count**2), *self.seeds[indices]])
        total = parts.sum()
        freedom = total**2 / (parts**2 / [self.count - 1, *self.freedom[indices]]).sum()
        return float(np.sqrt(total)), float(freedom)


def estimate(scores: Scores, fixed: Collection[int] = (), head: int | None = None) -> Estimates:
    """Estimate the mean accuracies of contenders.

    Args:
        scores: For each contender an array `[seeds, examples]` whose mean is its accuracy; the examples are the
            same for all, at least two.
        fixed: Contenders that seeds do not change, measured once; the others have two seeds or more, or one where
            another has more.
        head: Who trains nothing but a head, where there is such: seeds do less to it, which says nothing of the others.
    """
    count = scores[0].shape[1]
    trained = [index for index in range(len(scores)) if index not in fixed]
    seeds = np.array([len(each) for each in scores])
    squares = np.array([((each.mean(axis=1) - each.mean()) ** 2).sum() for each in scores])
    own = seeds - 1
    adapted = [index for index in trained if index != head] or trained
    shared = squares[adapted].sum() / max(own[adapted].sum(), 1)
    freedom = own + _SHARED_SEEDS
    spread = (squares + _SHARED_SEEDS * shared) / freedom / seeds
    spread[list(fixed)] = 0.0
    typical = np.array([each.mean(axis=0) for each in scores])
    examples = np.atleast_2d(np.cov(typical))
    both = np.zeros(len(scores))
    for index in trained:
        both[index] = _interaction(scores[index]) / seeds[index]
        # What seed and example do together is in both variances of means; it counts once.
        examples[index, index] -= both[index]
    return Estimates(typical.mean(axis=1), examples / count, spread, both / count, count, freedom.astype(float))


def on_front(costs: NDArray[np.float64], draws: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probability of each contender of being on the front: nothing as cheap is as accurate.

    Args:
        costs: Costs, `[k, costs]`.
        draws: Draws of the accuracies, `[draws, k]`.
    """
    found = []
    for index, cost in enumerate(costs):
        cheaper = (costs <= cost).all(axis=1)
        cheaper[index] = False
        best = draws[:, cheaper].max(axis=1, initial=-np.inf)
        found.append((draws[:, index] > best).mean())
    return np.array(found)


@cache
def standard_normals(count: int) -> NDArray[np.float64]:
    """Return draws of independent standard normal numbers, always the same ones: `[draws, count]`."""
    drawn = np.random.default_rng(0).standard_normal((_DRAWS, count))
    drawn.setflags(write=False)
    return drawn


def _interaction(scores: NDArray[np.float64]) -> float:
    """Return the variance of what is left of `[seeds, examples]` without the effects of both; 0 for one seed."""
    seeds, count = scores.shape
    if seeds < 2:
        return 0.0
    rest = scores - scores.mean(axis=0) - scores.mean(axis=1, keepdims=True) + scores.mean()
    return float((rest**2).sum() / ((seeds - 1) * (count - 1)))
