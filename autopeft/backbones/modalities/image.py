"""Models that read images."""

from __future__ import annotations

from typing import Any

import torch
from transformers import (
    MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING,
    AutoImageProcessor,
    AutoModelForImageClassification,
    PretrainedConfig,
    PreTrainedModel,
)

from autopeft.backbones.modalities.modality import Modality, based_on

__all__ = ["Images"]

#: What CLIP and its like call the tower that sees, and its part of the config.
_TOWER, _PART = "vision_model", "vision_config"


class Images(Modality):
    """Images, by an image processor; of models of two towers the one that sees."""

    name = "image"
    plural = "images"
    example = "google/vit-base-patch16-224-in21k"
    inputs = ("pixel_values",)
    classifier = AutoModelForImageClassification
    known = MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING
    reader = AutoImageProcessor

    def layer_config(self, config: PretrainedConfig) -> Any:
        """Return that of the tower that sees."""
        return getattr(config, _PART, config)

    def settle(self, model: PreTrainedModel) -> PreTrainedModel:
        """Let that tower be what a classifier is built on."""
        return based_on(model, _TOWER)

    def task_config(self, num_labels: int) -> dict[str, Any]:
        """Return what a head changes in a config."""
        # Or a distilled DeiT would load as its `...WithTeacher` class, which cannot be trained.
        return {"num_labels": num_labels, "architectures": []}

    def blank(self, config: PretrainedConfig, tokens: int) -> dict[str, torch.Tensor]:
        """Return an image of the size that the model reads."""
        seen = self.layer_config(config)
        size = seen.image_size
        sides = size if isinstance(size, list | tuple) else (size, size)
        return {"pixel_values": torch.zeros(1, seen.num_channels, *sides, device="meta")}
