"""Methods: the ways to adapt a backbone, and the one builder that does it."""

from autopeft.methods.builder import adapter_parameters, apply, remove, trainable
from autopeft.methods.depth import decodes_stepwise, frozen_depth, stays_in_layers
from autopeft.methods.hooks import after_step, before_step, learning_rates, penalty, switch_training
from autopeft.methods.method import Method
from autopeft.methods.references import HEAD_ONLY, REFERENCES, TITLES, Reference, references_of, stock_lora
from autopeft.methods.register import register
from autopeft.methods.registry import METHODS, VOCABULARY
from autopeft.methods.stock_rates import STOCK_LEARNING_RATE, decoder_learning_rate
from autopeft.methods.storage import load, save

__all__ = [
    "HEAD_ONLY",
    "METHODS",
    "REFERENCES",
    "STOCK_LEARNING_RATE",
    "TITLES",
    "VOCABULARY",
    "Method",
    "Reference",
    "adapter_parameters",
    "after_step",
    "apply",
    "before_step",
    "decoder_learning_rate",
    "decodes_stepwise",
    "frozen_depth",
    "learning_rates",
    "load",
    "penalty",
    "references_of",
    "register",
    "remove",
    "save",
    "stays_in_layers",
    "stock_lora",
    "switch_training",
    "trainable",
]
