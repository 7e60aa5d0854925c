"""Tasks of classification: texts with labels, one a text."""

from autopeft.tasks.classification.kind import Classification
from autopeft.tasks.classification.metrics import METRICS, confusion, score
from autopeft.tasks.classification.schema import Classes

__all__ = ["METRICS", "Classes", "Classification", "confusion", "score"]
