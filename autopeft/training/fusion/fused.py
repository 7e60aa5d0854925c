"""A large decoder with the shift that training gave to a small one, as a model that can be measured and writes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from transformers import GenerationConfig, LogitsProcessor, PreTrainedModel
from transformers.modeling_outputs import CausalLMOutput

from autopeft.errors import ConfigurationError
from autopeft.training.fusion.next_token import NextToken
from autopeft.training.fusion.weights import MOST, fuse_logits

__all__ = ["Fused"]


class Fused(nn.Module):
    """A large decoder whose logits are moved as training moved those of a small one, of the same vocabulary.

    It runs all three on every token (Fan et al. 2024, "On Giant's Shoulders", section 3).

    Args:
        large: The large model.
        tuned: The small one with what was trained.
        untuned: The small one without.
        weight: How much of the shift is added to every token's logits, in [0, 2] (1: proxy tuning); solved for each
            token when left out.

    Raises:
        ConfigurationError: When the weight is none.
    """

    def __init__(
        self, large: PreTrainedModel, tuned: PreTrainedModel, untuned: PreTrainedModel, weight: float | None = None
    ) -> None:
        super().__init__()
        if weight is not None and not 0 <= weight <= MOST:
            raise ConfigurationError(f"the weight of the shift is {weight}; expected 0 to {MOST:g}, or none")
        self.large, self.tuned, self.untuned = large, tuned, untuned
        self.weight = weight
        self._weighed, self._summed = 0, 0.0
        self.eval()

    @property
    def config(self) -> Any:
        """The config of the large model."""
        return self.large.config

    @property
    def generation_config(self) -> GenerationConfig:
        """How the large model writes unless it is told otherwise."""
        config: GenerationConfig = self.large.generation_config
        return config

    @generation_config.setter
    def generation_config(self, config: GenerationConfig) -> None:
        self.large.generation_config = config

    @property
    def mean_weight(self) -> float | None:
        """Mean weight of all tokens that `forward` has told so far; None before."""
        return self._summed / self._weighed if self._weighed else None

    @torch.no_grad()
    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None) -> CausalLMOutput:
        """Return the fused logits in fp32, `[..., vocabulary]`, of what all three models have logits for.

        Args:
            input_ids: The text before each token, `[batch, tokens]`.
            attention_mask: Which of them are no padding, likewise.
        """
        told = [model(input_ids=input_ids, attention_mask=attention_mask).logits for model in self.models]
        return CausalLMOutput(logits=self.fused(*told))

    def fused(self, *told: torch.Tensor) -> torch.Tensor:
        """Return the fused logits of those of the three models, and count their weights."""
        logits, weights = self._fuse(*told)
        self._weighed, self._summed = self._weighed + weights.numel(), self._summed + float(weights.sum())
        return logits

    def generate(self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None, **asked: Any) -> Any:
        """Go on with prompts as the large model's own `generate` does, without beams.

        Args:
            input_ids: The prompts, filled up on the left, `[prompts, longest]`.
            attention_mask: Which tokens are no filling; all when left out.
            asked: As for transformers' `generate`; of `logits_processor` those given come first.

        Raises:
            ConfigurationError: When it is to write other than one token after the other.
        """
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        ours = _Shifting(self._fuse, NextToken(self.tuned, mask), NextToken(self.untuned, mask))
        processors = [*(asked.pop("logits_processor", None) or ()), ours]
        return self.large.generate(input_ids=input_ids, attention_mask=mask, logits_processor=processors, **asked)

    @property
    def models(self) -> tuple[PreTrainedModel, PreTrainedModel, PreTrainedModel]:
        """The large model, and the small one with and without what was trained."""
        return self.large, self.tuned, self.untuned

    def _fuse(self, *told: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        # Embeddings are padded to round numbers, of models of one vocabulary to different ones.
        width = min(each.shape[-1] for each in told)
        large, tuned, untuned = (each[..., :width].reshape(-1, width) for each in told)
        logits, weights = fuse_logits(large, tuned, untuned, self.weight)
        shape = told[0].shape[:-1]
        return logits.view(*shape, width), weights.view(shape)


class _Shifting(LogitsProcessor):
    """Moves the logits of each new token."""

    def __init__(
        self, fuse: Callable[..., tuple[torch.Tensor, torch.Tensor]], tuned: NextToken, untuned: NextToken
    ) -> None:
        self._fuse, self._tuned, self._untuned = fuse, tuned, untuned

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Return the fused logits, as many as the large model's: what small ones have none for is never told."""
        logits, _ = self._fuse(scores, self._tuned(input_ids), self._untuned(input_ids))
        return torch.nn.functional.pad(logits, (0, scores.shape[1] - logits.shape[1]), value=-torch.inf)
