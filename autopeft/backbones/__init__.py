"""Backbones: load a pretrained model and tell the parts of its layers apart."""

from autopeft.backbones.anatomy import Anatomy
from autopeft.backbones.backbone import Backbone, features, load_backbone
from autopeft.backbones.decoder import Decoder, load_decoder
from autopeft.backbones.either import load_either
from autopeft.backbones.embedder import Embedder, load_embedder
from autopeft.backbones.matrices import matrices_of
from autopeft.backbones.modalities import MODALITIES, convolutions_of, layer_config, reads_tokens, samples_of, tokens_of
from autopeft.backbones.quantization import Quantization, loaded_bytes, quantization_of
from autopeft.backbones.tagger import Tagger, load_tagger
from autopeft.backbones.task_head import head_parameters, last_of_head
from autopeft.backbones.task_type import task_type_of
from autopeft.cache import cache_folder

__all__ = [
    "MODALITIES",
    "Anatomy",
    "Backbone",
    "Decoder",
    "Embedder",
    "Quantization",
    "Tagger",
    "cache_folder",
    "convolutions_of",
    "features",
    "head_parameters",
    "last_of_head",
    "layer_config",
    "load_backbone",
    "load_decoder",
    "load_either",
    "load_embedder",
    "load_tagger",
    "loaded_bytes",
    "matrices_of",
    "quantization_of",
    "reads_tokens",
    "samples_of",
    "task_type_of",
    "tokens_of",
]
