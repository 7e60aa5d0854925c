"""Metrics of what a model writes when it is asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedModel

from autopeft.tasks import choose_max_length, pad_id_of
from autopeft.tasks.causal import Format, Question, ending_tokens, stop_strings
from autopeft.trials.causal.generation import generate_all
from autopeft.trials.causal.judges import Judges

__all__ = ["Answering"]

#: Largest number of tokens that a model may write.
_MOST_TOKENS = 512


class Answering:
    """Lets a model answer questions, and holds the answers against those wanted.

    Args:
        questions: The questions.
        form: What form the data has.
        tokenizer: The backbone's.
        judges: The metrics.
    """

    def __init__(self, questions: Sequence[Question], form: Format, tokenizer: Any, judges: Judges) -> None:
        self._questions = questions
        self._judges = judges
        self.metrics = tuple(judges.metrics)
        self._tokenizer = tokenizer
        self._pad_id = pad_id_of(tokenizer)
        self._ends = ending_tokens(questions, tokenizer)
        self._stops = stop_strings(form, tokenizer)
        room = tokenizer.model_max_length - max(len(question.prompt) for question in questions)
        wanted = np.array([len(question.completion) for question in questions])
        self._cap = max(1, min(choose_max_length(wanted, _MOST_TOKENS), room))

    def scores(self, model: PreTrainedModel, precision: str, most: int) -> dict[str, NDArray[np.float64]]:
        """Return each metric of each answer, the shortest prompts first.

        Raises:
            AutopeftError: When it would run code that may not be run.
        """
        self._judges.check_allowed()
        # In this order since scores are recorded, and those of two models are compared one by one.
        asked = sorted(self._questions[:most], key=lambda question: len(question.prompt))
        texts = generate_all(
            model,
            [question.prompt for question in asked],
            self._tokenizer,
            ends=self._ends,
            stops=self._stops,
            cap=self._cap,
            pad_id=self._pad_id,
            precision=precision,
            candidates=self._judges.candidates,
        )
        return self._judges.scores(texts, [(question.wanted, question.beside) for question in asked])
