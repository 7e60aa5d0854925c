"""What the answers of a language model say of documents: scores, and what it costs to answer otherwise."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn.functional import softplus

__all__ = ["answered", "scores_of_answers"]


def scores_of_answers(
    logits: torch.Tensor, answers: Sequence[int], *, graded: bool, expectation: bool = False
) -> torch.Tensor:
    """Return how relevant documents are, `[n]`, in fp32.

    Of yes and no their log-odds. Of grades s p(s), with the likeliest grade s and its probability among all tokens
    ("ERank", section 3: the grade that is written, times the probability of its token); or the mean of the grades by
    their probabilities among the grades (Zhuang et al. 2024, "Beyond Yes and No", section 3.2: expected relevance).

    Args:
        logits: Of the token that answers, `[n, vocabulary]`.
        answers: The tokens of the answers, the least relevant first.
        graded: Whether they are grades, else no and yes.
        expectation: Whether the score is the mean of the grades.
    """
    logits = logits.float()
    told = logits[:, list(answers)]
    if not graded:
        return told[:, 1] - told[:, 0]
    if expectation:
        return told.softmax(dim=1) @ torch.arange(len(answers), dtype=told.dtype, device=told.device)
    likeliest, grades = told.max(dim=1)
    return grades * (likeliest - logits.logsumexp(dim=1)).exp()


def answered(logits: torch.Tensor, right: torch.Tensor, answers: Sequence[int], *, graded: bool) -> torch.Tensor:
    """Return the summed cross-entropy of the right answers: of yes against no, of grades among all tokens.

    Args:
        logits: As for `scores_of_answers`.
        right: The tokens of the right answers, `[n]`.
        answers: As for `scores_of_answers`.
        graded: As for `scores_of_answers`.
    """
    logits = logits.float()
    if graded:
        return torch.nn.functional.cross_entropy(logits, right, reduction="sum")
    margins = scores_of_answers(logits, answers, graded=False)
    return softplus(torch.where(right == answers[1], -margins, margins)).sum()
