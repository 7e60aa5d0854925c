"""Backbones: load a pretrained model and tell the parts of its layers apart."""

from autopeft.backbones.anatomy import Anatomy
from autopeft.backbones.backbone import Backbone, features, head_parameters, load_backbone

__all__ = ["Anatomy", "Backbone", "features", "head_parameters", "load_backbone"]
