"""How what is to be predicted goes through a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from autopeft.errors import AutopeftError
from autopeft.tasks import Encoded, pad_id_of
from autopeft.trials.kind import Batch, TrialKind
from autopeft.trials.prediction import Ready

__all__ = ["cut_texts", "parts_of"]

#: Rows that go through a model together when nothing is trained.
_TOGETHER = 32


def parts_of(
    kind: TrialKind, ready: Ready, split: Any, asked: Mapping[str, Any]
) -> tuple[Encoded, Sequence[tuple[np.ndarray, Batch]]]:
    """Return examples as tokens, and in batches, each with the rows it holds.

    Args:
        kind: The kind of the task.
        ready: The model.
        split: The examples, at least one.
        asked: What the user asks for; it must be nothing that only writers of text can do.

    Raises:
        AutopeftError: When something that is asked for cannot be.
    """
    if asked.get("max_new_tokens") is not None:
        raise AutopeftError(f"{ready.folder} {kind.does} and writes no answers; leave --max-new-tokens out")
    encoded, pad_id = kind.encode(split, ready.tokenizer, ready.max_length), pad_id_of(ready.tokenizer)
    return encoded, [(rows, kind.collate(encoded, rows, pad_id)) for rows in kind.grouped(encoded, _TOGETHER)]


def cut_texts(encoded: Encoded, what: str, max_length: int) -> tuple[str, ...]:
    """Say how many rows were cut, if any were."""
    cut = round(encoded.truncated * len(encoded))
    return (f"{cut:,} of {len(encoded):,} {what} cut at {max_length} tokens, as in training",) if cut else ()
