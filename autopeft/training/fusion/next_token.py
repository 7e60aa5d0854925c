"""What a decoder says comes next, token after token, with the keys and values of earlier tokens kept."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from transformers import PreTrainedModel

from autopeft.errors import ConfigurationError
from autopeft.methods import decodes_stepwise

__all__ = ["NextToken"]


class NextToken:
    """Follows a text that another model writes.

    Args:
        model: The decoder, in eval mode; with adapters that look at the whole text it is read anew for each token.
        attention_mask: Which tokens of the prompts are none but fill them up on the left, as 0: `[prompts, longest]`.
    """

    def __init__(self, model: PreTrainedModel, attention_mask: torch.Tensor) -> None:
        self._model = model
        self._mask = attention_mask
        self._keeps = decodes_stepwise(model)
        # PEFT's own models hand on whatever they get.
        plain = getattr(model, "get_base_model", lambda: model)()
        self._takes = inspect.signature(plain.forward).parameters
        self._kept: Any = None
        self._read: torch.Tensor | None = None

    @torch.no_grad()
    def __call__(self, ids: torch.Tensor) -> torch.Tensor:
        """Return the logits of the next token, `[texts, vocabulary]`.

        Args:
            ids: The texts so far, `[texts, tokens]`: those of the last call, and further tokens.

        Raises:
            ConfigurationError: When they do not go on with those of the last call.
        """
        known = 0 if self._read is None else self._read.shape[1]
        if self._read is not None and not torch.equal(ids[:, :known], self._read):
            raise ConfigurationError(
                "fused models write one token after the other; found a text that does not go on with the one before: "
                "leave beams and assistants out (num_beams=1)"
            )
        # Of each prompt several texts may be drawn.
        mask = self._mask.repeat_interleave(len(ids) // len(self._mask), dim=0)
        mask = torch.nn.functional.pad(mask, (0, ids.shape[1] - mask.shape[1]), value=1)
        new = ids[:, known:] if self._keeps else ids
        inputs = {"input_ids": new, "attention_mask": mask, "use_cache": self._keeps, "past_key_values": self._kept}
        if "position_ids" in self._takes:
            places = (mask.long().cumsum(dim=1) - 1).clamp(min=0)
            inputs["position_ids"] = places[:, -new.shape[1] :]
        if "logits_to_keep" in self._takes:
            inputs["logits_to_keep"] = 1
        found = self._model(**inputs)
        if self._keeps:
            self._kept = found.past_key_values
        self._read = ids
        logits: torch.Tensor = found.logits[:, -1]
        return logits
