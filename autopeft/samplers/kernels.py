"""The model of accuracy of a long history, whose kernel is fitted seldom."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from autopeft.samplers.alone import alone
from autopeft.samplers.history import Observation
from autopeft.samplers.points import Point
from autopeft.samplers.surrogate import AccuracyModel, fit_accuracy, winsorised
from autopeft.samplers.thinning import kept

__all__ = ["LONG", "MOST_FITTED", "Kernels"]

#: Observations up to which a kernel is fitted for each proposal.
LONG = 500

#: Trials to which the kernel of a long history is fitted.
MOST_FITTED = 128


class Kernels:
    """Makes models of accuracy.

    Up to `LONG` observations the kernel is fitted each time to all that the model is told of. Beyond that it is fitted
    to a random sample of those trials that ran to their end, those whose configurations come first by a hash. The
    sample is the same for whoever knows the same trials, and changes less often the longer the history is; for as long
    as it stays the kernel does.
    """

    def __init__(self) -> None:
        self._sample: list[tuple[str, float]] = []
        self._fitted: AccuracyModel | None = None

    def model(
        self,
        observations: Sequence[Observation],
        rows: Callable[[Sequence[Point]], Tensor],
        rates: Sequence[int],
        guided: bool,
    ) -> AccuracyModel:
        """Return the model of a history.

        Args:
            observations: All of them, by cost.
            rows: Encodes points, `n x d`.
            rates: See `fit_accuracy`, as the next.
            guided: See `fit_accuracy`.
        """
        told = kept(observations)
        x, y = rows([o.point for o in told]), _accuracies(told)
        sample = _sample(observations)
        if sample is None:
            return fit_accuracy(x, y, rates=rates, guided=guided)
        known = [(o.point.text, o.accuracy) for o in sample]
        if self._fitted is None or known != self._sample:
            # The same whoever fits it, and when.
            with alone(0):
                places = rows([o.point for o in sample])
                self._fitted = fit_accuracy(places, _accuracies(sample), rates=rates, guided=guided)
            self._sample = known
        return self._fitted.told(x, y)


def _accuracies(told: Sequence[Observation]) -> Tensor:
    return torch.from_numpy(winsorised([o.accuracy for o in told], [o.failed for o in told]))


def _sample(observations: Sequence[Observation]) -> list[Observation] | None:
    """Return what the kernel of a long history is fitted to; None where it is fitted to all that the model is told."""
    if len(observations) <= LONG:
        return None
    settled = [o for o in observations if o.settled]
    if len(settled) < MOST_FITTED:
        return None
    sample = heapq.nsmallest(MOST_FITTED, settled, key=lambda o: (o.point.lot, o.accuracy))
    return sample if len({o.accuracy for o in sample if not o.failed}) > 1 else None
