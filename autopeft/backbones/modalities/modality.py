"""All in which models differ by what they read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import torch
from transformers import PretrainedConfig, PreTrainedModel

__all__ = ["Modality"]


class Modality(ABC):
    """What a model reads, and how transformers loads one that classifies it.

    Attributes:
        name: What it is called.
        plural: Several of what is read, in words.
        example: A model on the hub that reads it.
        inputs: What models call the main one of their inputs.
        classifier: transformers' class of models with a classification head.
        known: The configs for which it has one.
        reader: Its class of what reads inputs for them.
        tokenizes: Whether that is a tokenizer.
    """

    name: ClassVar[str]
    plural: ClassVar[str]
    example: ClassVar[str]
    inputs: ClassVar[tuple[str, ...]]
    classifier: ClassVar[Any]
    known: ClassVar[Any]
    reader: ClassVar[Any]
    tokenizes: ClassVar[bool] = False

    def layer_config(self, config: PretrainedConfig) -> Any:
        """Return the part of a config that says what the layers are like."""
        return config

    def settle(self, model: PreTrainedModel) -> PreTrainedModel:
        """Let a classifier know what of it is the backbone, where transformers takes all of it for that."""
        return model

    def mends(self, config: PretrainedConfig) -> bool:
        """Tell whether adapters do nothing in such a model as transformers has it, unless `settle` has seen to it."""
        return False

    def task_config(self, num_labels: int) -> dict[str, Any]:
        """Return what a head with so many outputs changes in a config."""
        return {"num_labels": num_labels}

    @abstractmethod
    def blank(self, config: PretrainedConfig, tokens: int) -> dict[str, torch.Tensor]:
        """Return inputs on the meta device: one of so many tokens, or of the size that the model reads."""


def based_on(model: PreTrainedModel, part: str) -> PreTrainedModel:
    """Let a part of a model be its base, where transformers takes the whole model for its own."""
    if model.base_model is model and hasattr(model, part):
        model.base_model_prefix = part
    return model
