"""Multiple choice: which of its choices a model finds the most likely answer to a question."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel

from autopeft.tasks import IGNORED, Encoded, collate, grouped, pad_id_of
from autopeft.tasks.causal import CHOICE_METRIC, Question, ending_tokens
from autopeft.trials.causal.learned import learned_of

__all__ = ["Choosing", "most_likely"]


class Choosing:
    """Compares choices by their log-likelihood per character, as lm-evaluation-harness's `acc_norm` does.

    Args:
        questions: For each example one question a choice.
        right: What is wanted of each example, as text.
        tokenizer: The backbone's.
        batch_size: Choices that go through the model together.
    """

    metrics: tuple[str, ...] = (CHOICE_METRIC,)

    def __init__(
        self, questions: Sequence[Sequence[Question]], right: Sequence[str], tokenizer: Any, batch_size: int
    ) -> None:
        self._questions = questions
        self._right = right
        self._batch_size = batch_size
        self._pad_id = pad_id_of(tokenizer)
        self._ends = ending_tokens([*chain(*questions)], tokenizer)

    def scores(self, model: PreTrainedModel, precision: str, most: int) -> dict[str, NDArray[np.float64]]:
        """Return for each example whether its right choice is the most likely one."""
        chosen = self.chosen(model, precision, most)
        hits = [text == wanted for text, wanted in zip(chosen, self._right[:most], strict=True)]
        return {CHOICE_METRIC: np.array(hits, float)}

    def chosen(self, model: PreTrainedModel, precision: str, most: int | None = None) -> list[str]:
        """Return for each question, or the first so many, the choice that is the most likely, as text."""
        asked = self._questions[:most]
        scores = iter(self._log_likelihoods(model, [*chain(*asked)], precision))
        return [
            choices[most_likely([next(scores) for _ in choices], [each.wanted for each in choices])].wanted
            for choices in asked
        ]

    @torch.no_grad()
    def _log_likelihoods(self, model: PreTrainedModel, questions: Sequence[Question], precision: str) -> np.ndarray:
        """Return the summed log-likelihood of each choice's tokens, without what ends it: float64 `[questions]`."""
        device = next(model.parameters()).device
        ids, labels = [], []
        for question in questions:
            choice = [token for token in question.completion if token not in self._ends]
            ids.append([*question.prompt, *choice])
            labels.append([*[IGNORED] * len(question.prompt), *choice])
        encoded = Encoded({"input_ids": ids, "labels": labels}, None)
        found = np.zeros(len(questions))
        for rows in grouped(encoded, self._batch_size):
            batch = collate(encoded, rows, self._pad_id)
            surprise = torch.cat(
                [
                    cross_entropy(logits.float(), targets, reduction="none").cpu().double()
                    for logits, targets in learned_of(model, batch, device, precision).pieces()
                ]
            )
            counts = (batch["labels"][:, 1:] != IGNORED).sum(1).tolist()
            found[rows] = [-part.sum().item() for part in surprise.split(counts)]
        return found


def most_likely(log_likelihoods: Sequence[float], choices: Sequence[str]) -> int:
    """Return the index of the choice with the highest log-likelihood per character."""
    return int(np.argmax(np.asarray(log_likelihoods) / [len(choice) for choice in choices]))
