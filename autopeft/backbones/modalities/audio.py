"""Models that read sound: as a waveform, which convolutions make tokens of, or as a spectrogram of one size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import (
    MODEL_FOR_AUDIO_CLASSIFICATION_MAPPING,
    AutoFeatureExtractor,
    AutoModelForAudioClassification,
    PretrainedConfig,
    PreTrainedModel,
)

from autopeft.backbones.modalities.modality import Modality, based_on
from autopeft.backbones.modalities.wavlm import call_matrices
from autopeft.errors import BackboneError

__all__ = ["Audio", "convolutions_of", "samples_of", "tokens_of"]

#: What Whisper calls its part that hears.
_ENCODER = "encoder"

#: Sizes and strides of convolutions over a waveform, one after the other.
Convolutions = Sequence[tuple[int, int]]


class Audio(Modality):
    """Sound, by a feature extractor; of Whisper its encoder."""

    name = "audio"
    plural = "sound"
    example = "facebook/wav2vec2-base"
    inputs = ("input_values", "input_features")
    classifier = AutoModelForAudioClassification
    known = MODEL_FOR_AUDIO_CLASSIFICATION_MAPPING
    reader = AutoFeatureExtractor

    def settle(self, model: PreTrainedModel) -> PreTrainedModel:
        """Let Whisper's encoder be what a classifier is built on, and WavLM's attention call its matrices."""
        if self.mends(model.config):
            call_matrices(model)
        return based_on(model, _ENCODER)

    def mends(self, config: PretrainedConfig) -> bool:
        """Tell whether it is WavLM."""
        return bool(config.model_type == "wavlm")

    def blank(self, config: PretrainedConfig, tokens: int) -> dict[str, torch.Tensor]:
        """Return a waveform of so many tokens, or a spectrogram of the size that the model reads."""
        convolutions = convolutions_of(config)
        if convolutions:
            return {"input_values": torch.zeros(1, samples_of(tokens, convolutions), device="meta")}
        read: Any = config
        if hasattr(read, "max_source_positions"):
            # Whisper's second convolution halves the frames.
            return {"input_features": torch.zeros(1, read.num_mel_bins, 2 * read.max_source_positions, device="meta")}
        if hasattr(read, "num_mel_bins"):
            return {"input_values": torch.zeros(1, read.max_length, read.num_mel_bins, device="meta")}
        raise BackboneError(
            f"{read.model_type!r} models read neither waveforms nor spectrograms of one size; choose another, such as "
            f"{self.example}"
        )


def convolutions_of(config: PretrainedConfig) -> tuple[tuple[int, int], ...]:
    """Return sizes and strides of the convolutions that make tokens of a waveform; none for models of spectrograms."""
    sizes, strides = (getattr(config, name, None) for name in ("conv_kernel", "conv_stride"))
    return tuple(zip(sizes, strides, strict=True)) if sizes and strides else ()


def tokens_of(samples: int, convolutions: Convolutions) -> int:
    """Return how many tokens a waveform becomes."""
    for size, stride in convolutions:
        samples = (samples - size) // stride + 1 if samples >= size else 0
    return samples


def samples_of(tokens: int, convolutions: Convolutions) -> int:
    """Return how many samples become so many tokens, at the least."""
    for size, stride in reversed(convolutions):
        tokens = (tokens - 1) * stride + size
    return tokens
