"""Trials of causal language models: the head is the backbone's, and each learned token has a label."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel

from autopeft.backbones import Decoder
from autopeft.tasks import IGNORED, CausalSplit, Encoded, encode_causal
from autopeft.tasks.causal import Format
from autopeft.trials.example_scores import scores_of_counts
from autopeft.trials.faults import DivergedError
from autopeft.trials.hardware import autocast
from autopeft.trials.kind import Batch, Feed

__all__ = ["CausalLM", "learned_logits"]


class CausalLM:
    """What trials of causal language models have of their own.

    Args:
        form: What form the examples have.
    """

    each_token = True

    def __init__(self, form: Format) -> None:
        self._form = form

    def model(self, backbone: Decoder, device: torch.device) -> PreTrainedModel:
        """Return the language model."""
        return backbone.language_model(device=device)

    def encode(self, split: CausalSplit, tokenizer: Any, max_length: int) -> Encoded:
        """Tokenise a split."""
        return encode_causal(split, self._form, tokenizer, max_length)

    def terms(self, batch: Batch) -> int:
        """Return the number of learned tokens."""
        return int((batch["labels"][:, 1:] != IGNORED).sum())

    def loss(self, model: PreTrainedModel, batch: Batch, device: torch.device, precision: str) -> torch.Tensor:
        """Return the mean cross-entropy of the learned tokens of a batch."""
        logits, targets = learned_logits(model, batch, device, precision)
        return cross_entropy(logits.float(), targets)

    @torch.inference_mode()
    def measure(
        self, model: PreTrainedModel, split: Sequence[tuple[np.ndarray, Batch]], precision: str, feed: Feed
    ) -> dict[str, float]:
        """Return token accuracy, loss and perplexity over all learned tokens, the right text before each of them."""
        device = next(model.parameters()).device
        # right tokens, summed cross-entropy, tokens
        sums = torch.zeros(3, dtype=torch.float64, device=device)
        for rows, batch in split:
            feed(rows, batch["input_ids"].shape[1])
            logits, targets = learned_logits(model, batch, device, precision)
            right = (logits.argmax(dim=1) == targets).sum()
            loss = cross_entropy(logits.float(), targets, reduction="sum")
            sums += torch.stack([right.double(), loss.double(), torch.tensor(float(len(targets)), device=device)])
        right, loss, count = sums.tolist()
        if not math.isfinite(loss):
            raise DivergedError("the logits on validation are not finite")
        loss /= count
        perplexity = math.exp(loss) if loss < math.log(np.finfo(float).max) else math.inf
        return {"token_accuracy": right / count, "loss": loss, "perplexity": perplexity}

    @torch.inference_mode()
    def example_scores(
        self, model: PreTrainedModel, split: Sequence[tuple[np.ndarray, Batch]], precision: str, feed: Feed, metric: str
    ) -> np.ndarray:
        """Return for each example its part in the token accuracy, in the order of the rows."""
        device = next(model.parameters()).device
        right, count = (np.zeros(sum(len(rows) for rows, _ in split)) for _ in range(2))
        for rows, batch in split:
            feed(rows, batch["input_ids"].shape[1])
            logits, targets = learned_logits(model, batch, device, precision)
            if not torch.isfinite(logits).all():
                raise DivergedError("the logits are not finite")
            example, _ = torch.nonzero(batch["labels"][:, 1:] != IGNORED, as_tuple=True)
            hits = (logits.argmax(dim=1) == targets).double().cpu()
            right[rows] = np.bincount(example.numpy(), hits.numpy(), len(rows))
            count[rows] = np.bincount(example.numpy(), minlength=len(rows))
        return scores_of_counts(right, count)


def learned_logits(
    model: PreTrainedModel, batch: Batch, device: torch.device, precision: str
) -> tuple[torch.Tensor, torch.Tensor]:
    """Run a language model over a batch; its head, which is as wide as the vocabulary, only before learned tokens.

    Args:
        model: The model, on its device.
        batch: `input_ids`, `attention_mask` and `labels`, each `[batch, longest]`, padded on the right.
        device: The device.
        precision: `bf16` or `fp32`.

    Returns:
        Logits `[learned tokens, vocabulary]` and the ids of the tokens that should follow, `[learned tokens]`.
    """
    inputs = {key: value.to(device, non_blocking=True) for key, value in batch.items()}
    following = inputs.pop("labels")[:, 1:]
    learned = following != IGNORED
    with autocast(device, precision), _head_only_at(model, learned):
        logits = model(**inputs).logits
    return logits, following[learned]


@contextmanager
def _head_only_at(model: PreTrainedModel, learned: torch.Tensor) -> Iterator[None]:
    """Give the language-modelling head nothing but the hidden states at some positions of the text.

    What models do to logits after their head they do to each by itself, so these come out as ever.

    Args:
        model: The model.
        learned: Which positions, the last left out: bool `[batch, longest - 1]`.
    """

    def cut(_module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        # Some methods put a prompt in front of the text.
        hidden = inputs[0][:, -learned.shape[1] - 1 : -1]
        return (hidden[learned],)

    handle = model.get_output_embeddings().register_forward_pre_hook(cut)
    try:
        yield
    finally:
        handle.remove()
