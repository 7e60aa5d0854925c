"""A Trainer of transformers that has the batches and the loss of trials."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from transformers import Trainer

from autopeft.tasks import Encoded

if TYPE_CHECKING:
    from autopeft.trials.kind import Batch, TrialKind

__all__ = ["KindTrainer", "batch_of_rows"]


class KindTrainer(Trainer):
    """A Trainer of rows, each of which holds the number of an example as `row`.

    Attributes:
        kind: The kind of the task.
        precision: `bf16` or `fp32`.
    """

    kind: TrialKind
    precision: str

    def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, **kwargs: Any) -> Any:
        """Return the loss of a trial."""
        return self.kind.loss(model, dict(inputs), self.args.device, self.precision)

    def _remove_unused_columns(self, dataset: Any, description: str | None = None) -> Any:
        return dataset


def batch_of_rows(kind: TrialKind, encoded: Encoded, pad_id: int) -> Callable[[Sequence[dict[str, Any]]], Batch]:
    """Return what makes of rows the batch that trials make of them.

    Args:
        kind: The kind of the task.
        encoded: The examples that the rows number.
        pad_id: Token id that fills short texts.
    """

    def collate(rows: Sequence[dict[str, Any]]) -> Batch:
        return kind.collate(encoded, encoded.rows_of(np.array([row["row"] for row in rows])), pad_id)

    return collate
