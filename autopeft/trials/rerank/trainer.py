"""A Trainer of transformers whose batches are whole queries."""

from __future__ import annotations

from typing import Any

from autopeft.trials.rerank.pairs import QueryBatch
from autopeft.trials.trainer import KindTrainer

__all__ = ["NUMBER", "RerankTrainer"]

#: Key of a batch under which the number of each row's query stands, as a Trainer keeps nothing but tensors.
NUMBER = "query"


class RerankTrainer(KindTrainer):
    """A Trainer with the loss of trials."""

    def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, **kwargs: Any) -> Any:
        """Return the loss of a trial."""
        batch = QueryBatch({key: value for key, value in inputs.items() if key != NUMBER})
        batch.number = inputs[NUMBER]
        return self.kind.loss(model, batch, self.args.device, self.precision)
