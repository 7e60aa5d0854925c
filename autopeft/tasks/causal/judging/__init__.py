"""How what a model wrote is judged."""

from autopeft.tasks.causal.judging.beside import Beside, Column, beside_of, check_beside
from autopeft.tasks.causal.judging.metric import AnswerMetric, Judged
from autopeft.tasks.causal.judging.table import ANSWER_METRICS

__all__ = ["ANSWER_METRICS", "AnswerMetric", "Beside", "Column", "Judged", "beside_of", "check_beside"]
