"""A pretrained model by what it was trained for: decoders as language models, others for a head of their own."""

from __future__ import annotations

from pathlib import Path

from autopeft.backbones.anatomy import Anatomy
from autopeft.backbones.backbone import Backbone, load_backbone
from autopeft.backbones.decoder import NoDecoderError, load_decoder
from autopeft.backbones.quantization import Quantization

__all__ = ["load_either"]


def load_either(
    model: str | None = None,
    revision: str | None = None,
    roles: Anatomy | Path | None = None,
    quantization: Quantization | None = None,
    trust_remote_code: bool = False,
) -> Backbone:
    """Load what is needed to know a pretrained model: a `Decoder` if it is one; arguments as for `load_backbone`.

    Raises:
        BackboneError: The model cannot be found, read or understood, or needs code of its own that is not trusted.
    """
    try:
        return load_decoder(model, revision, roles, quantization, trust_remote_code)
    except NoDecoderError:
        return load_backbone(model, revision, roles, quantization, trust_remote_code)
