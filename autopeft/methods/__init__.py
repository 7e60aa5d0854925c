"""Methods: the ways to adapt a backbone, and the one builder that does it."""

from autopeft.methods.builder import adapter_parameters, apply, remove, trainable
from autopeft.methods.compressing import compress, compress_as
from autopeft.methods.depth import decodes_stepwise, frozen_depth, stays_in_layers
from autopeft.methods.forward_only import ForwardOnly
from autopeft.methods.from_peft import is_from_peft, read_peft
from autopeft.methods.hooks import (
    after_backward,
    after_step,
    before_backward,
    before_step,
    is_settled,
    optimiser_groups,
    optimiser_of,
    penalty,
    prune_now,
    prune_when_due,
    start_head,
    switch_training,
    train_beforehand,
    trains_beforehand,
)
from autopeft.methods.method import Method
from autopeft.methods.moment import Moment
from autopeft.methods.optimiser import AdapterAdamW
from autopeft.methods.references import HEAD_ONLY, REFERENCES, TITLES, Reference, references_of, stock_lora
from autopeft.methods.register import register
from autopeft.methods.registry import METHODS, VOCABULARY
from autopeft.methods.stock_rates import STOCK_LEARNING_RATE, decoder_learning_rate, preference_learning_rate
from autopeft.methods.storage import load, save
from autopeft.methods.telling import TASK_IDS, TASKS, listening, telling, told_apart
from autopeft.methods.vqt_head import read_beside

__all__ = [
    "HEAD_ONLY",
    "METHODS",
    "REFERENCES",
    "STOCK_LEARNING_RATE",
    "TASKS",
    "TASK_IDS",
    "TITLES",
    "VOCABULARY",
    "AdapterAdamW",
    "ForwardOnly",
    "Method",
    "Moment",
    "Reference",
    "adapter_parameters",
    "after_backward",
    "after_step",
    "apply",
    "before_backward",
    "before_step",
    "compress",
    "compress_as",
    "decoder_learning_rate",
    "decodes_stepwise",
    "frozen_depth",
    "is_from_peft",
    "is_settled",
    "listening",
    "load",
    "optimiser_groups",
    "optimiser_of",
    "penalty",
    "preference_learning_rate",
    "prune_now",
    "prune_when_due",
    "read_beside",
    "read_peft",
    "references_of",
    "register",
    "remove",
    "save",
    "start_head",
    "stays_in_layers",
    "stock_lora",
    "switch_training",
    "telling",
    "told_apart",
    "train_beforehand",
    "trainable",
    "trains_beforehand",
]
