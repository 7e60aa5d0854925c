"""What a causal language model makes of a text where a token is learned, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from autopeft.tasks import IGNORED
from autopeft.trials.causal.cross_entropy import segmented_cross_entropy, segments
from autopeft.trials.hardware import autocast
from autopeft.trials.kind import Batch

__all__ = ["Learned", "learned_logits", "learned_of"]


class Learned:
    """The learned tokens of a batch, and the hidden states before them; logits are made of some at a time.

    A language model's head is as wide as its vocabulary. What it is, and what a model does before and after it, is
    the model's own: it is called again with hidden states in place of the layers.

    Args:
        model: The model, on its device.
        batch: `input_ids`, `attention_mask` and `labels`, each `[batch, longest]`, padded on the right.
        device: The device.
        precision: `bf16` or `fp32`.

    Attributes:
        hidden: Hidden states after the layers, `[learned tokens, size]`.
        targets: The ids of the tokens that should follow, `[learned tokens]`.
    """

    def __init__(self, model: PreTrainedModel, batch: Batch, device: torch.device, precision: str) -> None:
        self._model, self._device, self._precision = model, device, precision
        inputs = {key: value.to(device, non_blocking=True) for key, value in batch.items()}
        following = inputs.pop("labels")[:, 1:]
        learned = following != IGNORED
        self.targets = following[learned]
        found: list[Any] = []
        handle = self._trunk.register_forward_hook(lambda _module, _inputs, output: _cut(output, found))
        try:
            with self._computing():
                self._model(**inputs)
        finally:
            handle.remove()
        [output] = found
        self._kind, self._ids = type(output), inputs["input_ids"]
        # Some methods put a prompt in front of the text.
        self.hidden: Tensor = output.last_hidden_state[:, -learned.shape[1] - 1 : -1][learned]

    def logits(self, hidden: Tensor) -> Tensor:
        """Return the logits `[tokens, vocabulary]` of some of the hidden states."""
        with self._computing(), _answering(self._model, self._kind(last_hidden_state=hidden[None])):
            # Not called: what methods do around a whole pass was done in the first.
            found: Tensor = type(self._model).forward(self._model, self._ids).logits[0]
        return found

    def pieces(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield logits and targets, some tokens at a time."""
        for each in segments(len(self.targets), self.vocabulary):
            yield self.logits(self.hidden[each]), self.targets[each]

    def losses(self) -> Tensor:
        """Return the cross-entropy of each learned token, fp32 `[learned tokens]`."""
        return segmented_cross_entropy(
            self.hidden, self.targets, self.logits, self.vocabulary, frozen=self._has_frozen_head()
        )

    @property
    def _trunk(self) -> nn.Module:
        return self._model.base_model

    @cached_property
    def vocabulary(self) -> int:
        """How many logits there are."""
        return int(self._model.config.get_text_config().vocab_size)

    def _computing(self) -> Any:
        return autocast(self._device, self._precision)

    def _has_frozen_head(self) -> bool:
        """Tell whether nothing behind the layers trains; the head may share the embeddings' weights."""
        behind = [module for module in self._model.children() if module is not self._trunk]
        parts = [*behind, self._model.get_input_embeddings()]
        return not any(parameter.requires_grad for part in parts for parameter in part.parameters())


class _Together(Learned):
    """The learned tokens of a batch, with the hidden states of several models side by side."""

    def __init__(self, model: Any, batch: Batch, device: torch.device, precision: str) -> None:
        self._together = model
        self._parts = [Learned(each, batch, device, precision) for each in model.models]
        self.targets = self._parts[0].targets
        self.hidden = torch.cat([part.hidden for part in self._parts], dim=-1)
        # Of the widest, so that pieces are small enough for all.
        self.vocabulary = max(part.vocabulary for part in self._parts)

    def logits(self, hidden: Tensor) -> Tensor:
        """Return the logits that all make together, `[tokens, vocabulary]`, of some of the hidden states."""
        own = hidden.split([part.hidden.shape[-1] for part in self._parts], dim=-1)
        told = [part.logits(states) for part, states in zip(self._parts, own, strict=True)]
        found: Tensor = self._together.fused(*told)
        return found


def learned_of(model: PreTrainedModel, batch: Batch, device: torch.device, precision: str) -> Learned:
    """Return what a model makes of the learned tokens.

    One that is made of several has them in `models`, and fuses their logits by `fused`; arguments as of `Learned`.
    """
    kind = _Together if hasattr(model, "fused") else Learned
    return kind(model, batch, device, precision)


def learned_logits(model: PreTrainedModel, batch: Batch, device: torch.device, precision: str) -> tuple[Tensor, Tensor]:
    """Return the logits of all learned tokens of a batch, `[learned tokens, vocabulary]`, and these tokens.

    For few of them; arguments as of `Learned`.
    """
    learned = learned_of(model, batch, device, precision)
    return learned.logits(learned.hidden), learned.targets


def _cut(output: Any, into: list[Any]) -> Any:
    """Note what a model's layers make, and leave nothing of it to the head."""
    into.append(output)
    return type(output)(last_hidden_state=output.last_hidden_state[:, :0])


@contextmanager
def _answering(model: PreTrainedModel, answer: Mapping[str, Any]) -> Iterator[None]:
    """Have the layers of a model answer so, whatever they are asked."""
    name = model.base_model_prefix
    layers = model._modules[name]
    model._modules[name] = _Answer(answer)
    try:
        yield
    finally:
        model._modules[name] = layers


class _Answer(nn.Module):
    def __init__(self, answer: Any) -> None:
        super().__init__()
        self._answer = answer

    def forward(self, *_: Any, **__: Any) -> Any:
        """Return the answer."""
        return self._answer
