"""Models of two towers, of which tasks on pictures have the one that sees."""

from __future__ import annotations

from transformers import PretrainedConfig, PreTrainedModel

__all__ = ["layer_config", "settle_tower"]

#: What CLIP and its like call that tower, and its part of the config.
_TOWER, _PART = "vision_model", "vision_config"


def settle_tower(model: PreTrainedModel) -> PreTrainedModel:
    """Let the tower be what a classifier is built on, where transformers takes the whole model for its own base."""
    if model.base_model is model and hasattr(model, _TOWER):
        model.base_model_prefix = _TOWER
    return model


def layer_config(config: PretrainedConfig, images: bool) -> PretrainedConfig:
    """Return the part of a config that says what the layers are like.

    Args:
        config: The config of a model.
        images: Whether the model reads images.
    """
    found: PretrainedConfig = getattr(config, _PART, config) if images else config.get_text_config()
    return found
