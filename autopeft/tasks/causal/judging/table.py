"""The metrics of generated texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from autopeft.tasks.causal.judging.beside import Beside
from autopeft.tasks.causal.judging.code import PASSES
from autopeft.tasks.causal.judging.exams import EXAM_POINTS
from autopeft.tasks.causal.judging.metric import AnswerMetric
from autopeft.tasks.causal.judging.sparql import RELAXED_EM
from autopeft.tasks.causal.judging.texts import exact_match, rouge_l, token_f1

__all__ = ["ANSWER_METRICS"]


def _usual(compare: Callable[[str, str], float]) -> AnswerMetric:
    return AnswerMetric(lambda text, wanted, beside: compare(text, wanted), usual=True)


def _same(text: str, wanted: str, beside: Beside) -> float:
    """Tell whether two texts are the same but for blanks around them: in code, punctuation and capitals count."""
    return float(text.strip() == wanted.strip())


#: By name.
ANSWER_METRICS: Mapping[str, AnswerMetric] = {
    "exact_match": _usual(exact_match),
    "rouge_l": _usual(rouge_l),
    "token_f1": _usual(token_f1),
    # Weyssow et al. 2023, arXiv:2308.10462, among the likeliest beams.
    "exact_match@5": AnswerMetric(_same, candidates=5),
    "exact_match@10": AnswerMetric(_same, candidates=10),
    "passes": PASSES,
    "relaxed_em": RELAXED_EM,
    "exam_points": EXAM_POINTS,
}
