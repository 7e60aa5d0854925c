"""The full fine-tune of a configuration, what is made of it afterwards, and how saved adapters are measured."""

from autopeft.training.card import write_card
from autopeft.training.evaluate import evaluate
from autopeft.training.fine_tune import FineTuned, fine_tune
from autopeft.training.hub import push
from autopeft.training.merging import check_mergeable, merge

__all__ = ["FineTuned", "check_mergeable", "evaluate", "fine_tune", "merge", "push", "write_card"]
