"""The supervised contrastive term: what the head reads of examples of one label shall be alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch.nn.functional import normalize
from transformers import PreTrainedModel

from autopeft.backbones import last_of_head
from autopeft.methods import read_beside

__all__ = ["Read", "reading", "supervised"]


class Read:
    """What went into the last linear layer of a head, and what came out."""

    _features: torch.Tensor
    _answers: torch.Tensor

    def see(self, features: torch.Tensor, beside: Sequence[torch.Tensor]) -> None:
        """Take what goes in, and what the head reads beside it, `[n, features]` each."""
        self._features = torch.cat([features, *beside], dim=-1) if beside else features

    def hear(self, answers: torch.Tensor) -> None:
        """Take what comes out."""
        self._answers = answers

    def pooled(self, logits: torch.Tensor) -> torch.Tensor:
        """Return the features that the logits of each text are of, `[n, features]`.

        The heads of decoders answer every token, and the model takes the answer of one: that with these logits.

        Args:
            logits: What the model answered, `[n, outputs]`.
        """
        if self._features.dim() == 2:
            return self._features
        taken = (self._answers == logits[:, None]).all(dim=-1).int().argmax(dim=1)
        return self._features[torch.arange(len(logits), device=logits.device), taken]


@contextmanager
def reading(model: PreTrainedModel) -> Iterator[Read]:
    """See what the head of a model reads in the forward passes meanwhile; its last layer is linear."""
    head = model.get_submodule(last_of_head(model))
    found = Read()

    handles = (
        head.register_forward_pre_hook(lambda head, inputs: found.see(inputs[0], read_beside(head))),
        head.register_forward_hook(lambda head, inputs, output: found.hear(output)),
    )
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()


def supervised(features: torch.Tensor, labels: torch.Tensor, temperature: float) -> torch.Tensor:
    """Return the supervised contrastive loss of a batch (Khosla et al. 2020, arXiv:2004.11362, equation 2).

    A mean over the examples that share their label with another; 0 where none do.

    Args:
        features: Of the examples, of any length, `[n, features]`.
        labels: Their labels, `[n]`.
        temperature: By what cosines are divided.
    """
    directions = normalize(features.float(), dim=1)
    alone = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    similar = (directions @ directions.T / temperature).masked_fill(alone, -torch.inf)
    likely = (similar - similar.logsumexp(dim=1, keepdim=True)).masked_fill(alone, 0.0)
    alike = (labels[:, None] == labels[None]) & ~alone
    partners = alike.sum(dim=1)
    each = -(likely * alike).sum(dim=1) / partners.clamp(min=1)
    return each.sum() / (partners > 0).sum().clamp(min=1)
