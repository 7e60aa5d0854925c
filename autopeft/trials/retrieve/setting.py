"""How long and how a trial of retrieval trains."""

from __future__ import annotations

from typing import Any

import numpy as np

from autopeft.errors import AutopeftError
from autopeft.tasks import LabelledTexts, Task, token_lengths
from autopeft.tasks.retrieve import PROMPTED, Vectors
from autopeft.trials.ranking.setting import LOOKED_AT, Effort, RankingSetting, choose_ranking_setting

__all__ = ["USUAL", "choose_retrieve_setting"]

#: A search of a model of 20M parameters with finalists is meant to fit in 40 minutes of two cores
#: (studies/scifact-retrieve).
USUAL = Effort(100_000, 2.0, 48, 200, 16, 8)


_HOW = {
    "mean": "the mean of its tokens",
    "first": "what its first token becomes",
    "last": "what its last token becomes",
}


def _prompts(schema: Vectors) -> str:
    """Say what stands before texts."""
    said = [f"{schema.prompt(of)!r} before each {of}" for of in PROMPTED if schema.prompt(of)]
    return " and ".join(said) or "no prompts"


def choose_retrieve_setting(
    task: Task, tokenizer: Any, *, loss: str | None = None, **asked: Any
) -> tuple[RankingSetting, tuple[str, ...]]:
    """Choose a short trial that suits the data; what is given is kept.

    Args:
        task: The data.
        tokenizer: The backbone's.
        loss: None: there is one.
        asked: As for `autopeft.trials.choose_setting`.

    Returns:
        The setting, and lines on it for people.

    Raises:
        AutopeftError: When a number is not positive, or a loss is named.
    """
    if loss is not None:
        raise AutopeftError(
            f"--loss: found {loss!r}; vectors are trained by telling documents from each other: leave it out"
        )
    some = task.train.take(range(min(len(task.train), LOOKED_AT)))
    of_query, of_document = (task.schema.prompt(of) for of in PROMPTED)
    texts = [
        text
        for query in some.queries
        for text in (of_query + query.text, *(of_document + some.corpus[each] for each in query.documents))
    ]
    lengths: np.ndarray = token_lengths(LabelledTexts(texts, [0] * len(texts)), tokenizer)
    setting, said = choose_ranking_setting(RankingSetting, task, tokenizer, lengths, USUAL, **asked)
    return setting, (
        "examples are queries, each with its documents; relevant ones are told from all others of a batch",
        f"a text becomes {_HOW[task.schema.pooling or 'mean']}, compared by cosine; {_prompts(task.schema)}",
        f"texts {said}",
    )
