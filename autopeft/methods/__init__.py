"""Methods: the ways to adapt a backbone, and the one builder that does it."""

from autopeft.methods.builder import adapter_parameters, apply, remove, trainable
from autopeft.methods.method import Method
from autopeft.methods.registry import METHODS, VOCABULARY
from autopeft.methods.stock import HEAD_ONLY, STOCK_LEARNING_RATE, stock_lora
from autopeft.methods.storage import load, save

__all__ = [
    "HEAD_ONLY",
    "METHODS",
    "STOCK_LEARNING_RATE",
    "VOCABULARY",
    "Method",
    "adapter_parameters",
    "apply",
    "load",
    "remove",
    "save",
    "stock_lora",
    "trainable",
]
