"""Tasks of regression: texts with a number each."""

from autopeft.tasks.regression.kind import Regression
from autopeft.tasks.regression.metrics import METRICS
from autopeft.tasks.regression.schema import Scale

__all__ = ["METRICS", "Regression", "Scale"]
