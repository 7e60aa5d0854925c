"""A split as models are measured on it whole: read once, and the layers that a model leaves as they are too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from autopeft.tasks import Encoded
from autopeft.trials.exam import VALIDATION_BATCHES
from autopeft.trials.kind import Batch, TrialKind
from autopeft.trials.prefix import PrefixCache
from autopeft.trials.setting import TrialSetting

__all__ = ["Held"]


class Held:
    """All examples of a split, in batches.

    Args:
        kind: What the task is.
        encoded: The examples as tokens.
        setting: Batches.
        pad_id: Token id that fills short texts.
        prefix: Makes the cache of the layers below the adapters, given examples as tokens.

    Attributes:
        batches: Rows of the split, and the batch of them.
        prefix: That cache.
    """

    def __init__(
        self,
        kind: TrialKind,
        encoded: Encoded,
        setting: TrialSetting,
        pad_id: int,
        prefix: Callable[[Encoded], PrefixCache],
    ) -> None:
        rows = kind.grouped(encoded, VALIDATION_BATCHES * setting.batch_size)
        collate: Callable[[np.ndarray], Batch] = partial(kind.collate, encoded, pad_id=pad_id)
        self.batches: Sequence[tuple[np.ndarray, Batch]] = [(group, collate(group)) for group in rows]
        self.prefix = prefix(encoded)
