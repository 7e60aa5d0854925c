"""Pairs of answers as tokens, with what the untouched model says of them, and batches of whole pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from autopeft.tasks import Encoded, collate

__all__ = ["EncodedPairs", "PairBatch", "batch_of_pairs"]


@dataclass(frozen=True)
class EncodedPairs(Encoded):
    """Two rows a pair: prompt and better answer, prompt and worse answer.

    Args:
        reference: The log-probability of each row's answer under the untouched model, float32 `[rows]`; None where it
            has not been asked yet.
    """

    reference: np.ndarray | None = None

    @classmethod
    def of(cls, encoded: Encoded, reference: np.ndarray | None = None) -> EncodedPairs:
        """Return encoded rows with their reference."""
        return cls(**{**encoded.__dict__, "reference": reference})

    def take(self, indices: Sequence[int] | np.ndarray) -> EncodedPairs:
        """Return the rows at the indices, in their order; those of a pair together."""
        picked = np.asarray(indices, np.int64)
        return self.of(super().take(picked), None if self.reference is None else self.reference[picked])


class PairBatch(dict[str, torch.Tensor]):
    """A batch as a model takes it, the better answer of a pair before the worse one.

    Attributes:
        reference: The log-probability of each row's answer under the untouched model, float32 `[batch]`; None where it
            has not been asked yet.
    """

    reference: torch.Tensor | None = None


def batch_of_pairs(encoded: Encoded, group: np.ndarray, pad_id: int) -> PairBatch:
    """Make the batch of some rows; arguments as for `autopeft.tasks.collate`."""
    batch = PairBatch(collate(encoded, group, pad_id))
    if isinstance(encoded, EncodedPairs) and encoded.reference is not None:
        batch.reference = torch.from_numpy(encoded.reference[group])
    return batch
