"""The full fine-tune of a configuration, what is made of it afterwards, and how saved adapters are measured."""

from autopeft.training.evaluate import evaluate
from autopeft.training.fine_tune import fine_tune
from autopeft.training.hub import push
from autopeft.training.merging import add_merged, check_mergeable, merge
from autopeft.training.result import FineTuned
from autopeft.training.train import Training, prepare_training, train_prepared

__all__ = [
    "FineTuned",
    "Training",
    "add_merged",
    "check_mergeable",
    "evaluate",
    "fine_tune",
    "merge",
    "prepare_training",
    "push",
    "train_prepared",
]
