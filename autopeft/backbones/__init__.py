"""Backbones: load a pretrained model and tell the parts of its layers apart."""

from autopeft.backbones.anatomy import Anatomy
from autopeft.backbones.backbone import Backbone, features, head_parameters, load_backbone
from autopeft.backbones.cache import cache_folder
from autopeft.backbones.decoder import Decoder, load_decoder
from autopeft.backbones.quantization import Quantization, loaded_bytes, quantization_of

__all__ = [
    "Anatomy",
    "Backbone",
    "Decoder",
    "Quantization",
    "cache_folder",
    "features",
    "head_parameters",
    "load_backbone",
    "load_decoder",
    "loaded_bytes",
    "quantization_of",
]
