"""Backbones: load a pretrained model and tell the parts of its layers apart."""

from autopeft.backbones.anatomy import Anatomy
from autopeft.backbones.backbone import Backbone, features, head_parameters, load_backbone
from autopeft.backbones.quantization import Quantization, loaded_bytes, quantization_of

__all__ = [
    "Anatomy",
    "Backbone",
    "Quantization",
    "features",
    "head_parameters",
    "load_backbone",
    "loaded_bytes",
    "quantization_of",
]
