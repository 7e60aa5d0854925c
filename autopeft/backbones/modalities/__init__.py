"""What models read: texts, images or sound; a new modality is a file here and a line in the table."""

from transformers import PretrainedConfig, PreTrainedModel

from autopeft.backbones.modalities.audio import Audio, convolutions_of, samples_of, tokens_of
from autopeft.backbones.modalities.image import Images
from autopeft.backbones.modalities.modality import Modality
from autopeft.backbones.modalities.text import Texts

__all__ = ["MODALITIES", "Modality", "convolutions_of", "layer_config", "reads_tokens", "samples_of", "tokens_of"]

#: By name; what a model reads is asked in this order.
MODALITIES: dict[str, Modality] = {modality.name: modality for modality in (Texts(), Images(), Audio())}


def layer_config(model: PreTrainedModel) -> PretrainedConfig:
    """Return the part of a model's config that says what its layers are like."""
    found: PretrainedConfig = _read_by(model).layer_config(model.config)
    return found


def reads_tokens(model: PreTrainedModel) -> bool:
    """Tell whether what a model reads is made by a tokenizer."""
    return _read_by(model).tokenizes


def _read_by(model: PreTrainedModel) -> Modality:
    """Return what a model reads; texts, where it is nothing known."""
    name = next((name for name, reads in MODALITIES.items() if model.main_input_name in reads.inputs), "text")
    return MODALITIES[name]
