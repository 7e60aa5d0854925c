"""Tasks of several labels: none, one or more for each text."""

from autopeft.tasks.multilabel.kind import Multilabel
from autopeft.tasks.multilabel.metrics import METRICS, f1, f1_of_texts, indicators
from autopeft.tasks.multilabel.schema import Labels

__all__ = ["METRICS", "Labels", "Multilabel", "f1", "f1_of_texts", "indicators"]
