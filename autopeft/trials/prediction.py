"""What a trained model says of one example, and the model when it is ready to say it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel

__all__ = ["PREDICTED", "PROBABILITIES", "PROBABILITY", "Prediction", "Ready"]

#: What predictions are called where they stand in a row.
PREDICTED, PROBABILITY, PROBABILITIES = "predicted", "probability", "probabilities"


@dataclass(frozen=True)
class Prediction:
    """What a model says of one example.

    Args:
        value: The label, the answer, or what else its kind of task tells.
        probabilities: Of labels, the probability of each, the most probable first.
    """

    value: Any
    probabilities: Mapping[str, float] | None = None

    @property
    def text(self) -> str:
        """What is said, as text; lists as JSON."""
        if isinstance(self.value, str):
            return self.value
        return json.dumps(self.value, ensure_ascii=False) if isinstance(self.value, list) else str(self.value)

    @property
    def probability(self) -> float | None:
        """The probability of the label, in 0..1; None where what is said is not one label."""
        return None if self.probabilities is None else self.probabilities.get(self.text)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data."""
        if self.probabilities is None:
            return {PREDICTED: self.value}
        alone = {} if self.probability is None else {PROBABILITY: self.probability}
        return {PREDICTED: self.value, **alone, PROBABILITIES: dict(self.probabilities)}


@dataclass(frozen=True)
class Ready:
    """Something trained, ready to be used.

    Args:
        folder: Its folder.
        model: The model, in eval mode on its device.
        tokenizer: Its tokenizer.
        max_length: Tokens at which texts are cut.
        precision: `bf16` or `fp32`.
        how: What its kind said of its use when it was saved, with what it wrote beside it.
    """

    folder: Path
    model: PreTrainedModel
    tokenizer: Any
    max_length: int
    precision: str
    how: Mapping[str, Any]
