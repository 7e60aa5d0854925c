"""Which document of a set a model names, and how good the order is that it makes so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedModel

from autopeft.tasks import pad_id_of
from autopeft.tasks.causal import ask, ending_tokens, prompts_of
from autopeft.tasks.ranking.metrics import ranking_scores
from autopeft.tasks.ranking.queries import Queries
from autopeft.tasks.rerank import METRICS
from autopeft.tasks.rerank.sets import ASKING, led_by, named_in, told_sets
from autopeft.trials.causal.generation import generate_all

__all__ = ["NAMED_RIGHT", "Naming", "named"]

#: The share of queries of which the document that is named is relevant.
NAMED_RIGHT = "named_right"

#: Tokens that an answer may have: some words may stand before it.
_MOST_TOKENS = 32


def named(model: PreTrainedModel, split: Queries, tokenizer: Any, precision: str) -> list[int | None]:
    """Return for each query the place of the document that a model names; None where it names none, or cannot read all.

    Args:
        model: The model.
        split: The queries, each with a set of documents.
        tokenizer: The backbone's.
        precision: `bf16` or `fp32`.
    """
    asked = told_sets(split, answered=False)
    prompts = prompts_of(asked, ASKING, tokenizer)
    room = min(tokenizer.model_max_length, getattr(model.config, "max_position_embeddings", None) or np.inf)
    fitting = [number for number, prompt in enumerate(prompts) if len(prompt) + _MOST_TOKENS <= room]
    texts = generate_all(
        model,
        [prompts[number] for number in fitting],
        tokenizer,
        ends=ending_tokens(ask(asked.take(fitting[:1]), ASKING, tokenizer), tokenizer),
        cap=_MOST_TOKENS,
        pad_id=pad_id_of(tokenizer),
        precision=precision,
    )
    found: list[int | None] = [None] * len(split)
    for number, [text] in zip(fitting, texts, strict=True):
        found[number] = named_in(text, len(split.queries[number].documents))
    return found


class Naming:
    """Lets a model name the best document of each query; it is ranked first, the others as they stand.

    Args:
        split: The queries.
        tokenizer: The backbone's.
    """

    metrics: tuple[str, ...] = (*METRICS, NAMED_RIGHT)

    def __init__(self, split: Queries, tokenizer: Any) -> None:
        self._split, self._tokenizer = split, tokenizer

    def scores(self, model: PreTrainedModel, precision: str, most: int) -> dict[str, NDArray[np.float64]]:
        """Return each metric of each query."""
        split = self._split.take(range(min(most, len(self._split))))
        places = named(model, split, self._tokenizer, precision)
        scores = [led_by(place, len(query.documents)) for place, query in zip(places, split.queries, strict=True)]
        right: Sequence[bool] = [
            place is not None and query.grades[place] > 0 for place, query in zip(places, split.queries, strict=True)
        ]
        return {metric: ranking_scores(metric, split.queries, scores) for metric in METRICS} | {
            NAMED_RIGHT: np.array(right, float)
        }
