"""The logits of a causal language model where a token is learned, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from transformers import PreTrainedModel

from autopeft.tasks import IGNORED
from autopeft.trials.hardware import autocast
from autopeft.trials.kind import Batch

__all__ = ["learned_logits"]


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
