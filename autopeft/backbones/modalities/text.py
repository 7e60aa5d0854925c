"""Models that read texts."""

from __future__ import annotations

from typing import Any

import torch
from transformers import (
    MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PretrainedConfig,
)

from autopeft.backbones.modalities.modality import Modality

__all__ = ["Texts"]


class Texts(Modality):
    """Texts, by a tokenizer."""

    name = "text"
    plural = "texts"
    example = "sentence-transformers/all-MiniLM-L6-v2"
    inputs = ("input_ids",)
    classifier = AutoModelForSequenceClassification
    known = MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING
    reader = AutoTokenizer
    tokenizes = True

    def layer_config(self, config: PretrainedConfig) -> Any:
        """Return that of the model's part for texts."""
        return config.get_text_config()

    def blank(self, config: PretrainedConfig, tokens: int) -> dict[str, torch.Tensor]:
        """Return a text of so many tokens."""
        return {"input_ids": torch.zeros(1, tokens, dtype=torch.long, device="meta")}
