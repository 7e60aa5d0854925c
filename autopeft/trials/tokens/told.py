"""What a model tells of each word of some sentences, whatever windows they were read in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.functional import cross_entropy

from autopeft.tasks import IGNORED, Encoded, collate
from autopeft.trials.faults import DivergedError
from autopeft.trials.hardware import autocast
from autopeft.trials.kind import Batch, Feed

__all__ = ["Told", "WindowBatch", "batch_of_windows", "logits_of_tokens", "told_of"]


class WindowBatch(dict[str, torch.Tensor]):
    """A batch as a model takes it, which knows as well of which sentence each row is.

    Attributes:
        sentences: The numbers of the sentences of its rows, `[batch]`.
    """

    sentences: NDArray[np.int64]


def batch_of_windows(encoded: Encoded, group: np.ndarray, pad_id: int) -> WindowBatch:
    """Make the batch of some windows; arguments as for `autopeft.tasks.collate`."""
    batch = WindowBatch(collate(encoded, group, pad_id))
    batch.sentences = np.asarray(group, np.int64) if encoded.example is None else encoded.example[group]
    return batch


@dataclass(frozen=True)
class Told:
    """What a model tells of words, in the order of the sentences and in each from left to right.

    Args:
        sentence: The number of each word's sentence, rising from 0, `[n]`.
        truth: The number of the tag that each has, `[n]`.
        told: The number of the tag that it is told to have, `[n]`.
        loss: The mean cross-entropy.
    """

    sentence: NDArray[np.int64]
    truth: NDArray[np.int64]
    told: NDArray[np.int64]
    loss: float


def logits_of_tokens(model: nn.Module, batch: Batch, device: torch.device, precision: str) -> torch.Tensor:
    """Return the logits of every token of a batch, `[batch, longest, tags]`, in fp32."""
    inputs = {key: value.to(device, non_blocking=True) for key, value in batch.items() if key != "labels"}
    with autocast(device, precision):
        logits: torch.Tensor = model(**inputs).logits
    # Some methods put a prompt in front of the text.
    return logits[:, -batch["input_ids"].shape[1] :].float()


@torch.inference_mode()
def told_of(model: nn.Module, split: Sequence[tuple[np.ndarray, Batch]], precision: str, feed: Feed) -> Told:
    """Run a model over batches of windows.

    Args:
        model: The model, on its device.
        split: The batches, as `batch_of_windows` makes them, each with the rows it holds: all of each sentence.
        precision: `bf16` or `fp32`.
        feed: Called before each forward pass.

    Raises:
        DivergedError: When a logit is not finite.
    """
    device = next(model.parameters()).device
    rows, sentence, truth, told = [], [], [], []
    loss = 0.0
    for numbers, batch in split:
        feed(numbers, batch["input_ids"].shape[1])
        logits = logits_of_tokens(model, batch, device, precision)
        labels = batch["labels"].to(device)
        at = labels != IGNORED
        found, wanted = logits[at], labels[at]
        if not torch.isfinite(found).all():
            raise DivergedError("the logits on validation are not finite")
        loss += cross_entropy(found, wanted, reduction="sum").item()
        counts = at.sum(dim=1).cpu().numpy()
        assert isinstance(batch, WindowBatch)
        rows.append(np.repeat(numbers, counts))
        sentence.append(np.repeat(batch.sentences, counts))
        truth.append(wanted.cpu().numpy())
        told.append(found.argmax(dim=1).cpu().numpy())
    # The rows of a sentence follow each other, and tell its words from left to right.
    order = np.argsort(np.concatenate(rows), kind="stable")
    in_order = [np.concatenate(each)[order] for each in (sentence, truth, told)]
    # A part of a split has some of its sentences.
    number = np.cumsum(np.diff(in_order[0], prepend=in_order[0][:1]) != 0)
    return Told(number, in_order[1], in_order[2], loss / max(1, len(order)))
