"""Points as the numbers a model sees, and beside them what an earlier study expects of each."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from autopeft.samplers.alone import alone
from autopeft.samplers.axes import CostColumns
from autopeft.samplers.features import Features
from autopeft.samplers.history import Observation
from autopeft.samplers.points import Point
from autopeft.samplers.surrogate import AccuracyModel, fit_accuracy, winsorised
from autopeft.samplers.thinning import kept

__all__ = ["Expectation", "encode"]


def encode(points: Sequence[Point], features: Features, columns: CostColumns) -> Tensor:
    """Return points as rows `n x d`: their known costs that are objectives, their knobs, their log-cost."""
    return torch.from_numpy(np.hstack([columns.encode(points), features.encode(points)]))


class Expectation:
    """Expects of points what a model of an earlier study's trials does, in standard deviations of that study.

    Another task or backbone has another level and another range of accuracies, so only which points are better than
    which, and by how much of that range, carries over.

    Args:
        observations: The earlier trials at points of this space, by cost, with at least two different accuracies.
        features: Encodes points.
        columns: The costs that are objectives.
    """

    def __init__(self, observations: Sequence[Observation], features: Features, columns: CostColumns) -> None:
        self._told = kept(observations)
        self._features = features
        self._columns = columns

    def promise(self, points: Sequence[Point]) -> NDArray[np.float64]:
        """Return what is expected of points, shape `(n,)`."""
        return self._read(encode(points, self._features, self._columns)).numpy()

    def beside(self, rows: Tensor) -> Tensor:
        """Return rows `n x d` with what is expected of each as the last column but one: `n x (d + 1)`."""
        return torch.cat([rows[:, :-1], self._read(rows).unsqueeze(-1), rows[:, -1:]], dim=-1)

    def _read(self, rows: Tensor) -> Tensor:
        return (self._model.predict(rows)[0] - self._model.centre) / self._model.scale

    @cached_property
    def _model(self) -> AccuracyModel:
        accuracies = winsorised([each.accuracy for each in self._told], [each.failed for each in self._told])
        with alone(0):
            rows = encode([each.point for each in self._told], self._features, self._columns)
            return fit_accuracy(rows, torch.from_numpy(accuracies), rates=self._features.rates)
