"""What is measured of a model beside its loss, on some examples."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedModel

__all__ = ["Probe"]


class Probe(Protocol):
    """Some examples of the validation split, and metrics of a model on them.

    Attributes:
        metrics: Names of the metrics.
    """

    metrics: tuple[str, ...]

    def scores(self, model: PreTrainedModel, precision: str, most: int) -> dict[str, NDArray[np.float64]]:
        """Return for each metric what each example has to do with it, float64 `[examples]`; their mean is the metric.

        Args:
            model: The model, none of its layers left out.
            precision: `bf16` or `fp32`.
            most: How many of the examples to look at, at most.
        """
