"""What a decoder answers to rows that nobody has answered."""

from __future__ import annotations

from typing import Any

import numpy as np

from autopeft.tasks import pad_id_of
from autopeft.tasks.causal import CausalSplit, Format, offer, prompts_of, stop_strings
from autopeft.trials.causal.choosing import Choosing
from autopeft.trials.causal.generation import generate_all
from autopeft.trials.prediction import Prediction, Ready

__all__ = ["answers"]

#: Choices that go through a model together.
_TOGETHER = 32


def answers(ready: Ready, form: Format, split: CausalSplit, most: int) -> list[Prediction | None]:
    """Answer questions; those that leave no room for an answer are not.

    Args:
        ready: The model.
        form: What form the data has.
        split: The questions.
        most: How many tokens an answer has at most.
    """
    tokenizer, precision = ready.tokenizer, ready.precision
    room = min(tokenizer.model_max_length, getattr(ready.model.config, "max_position_embeddings", None) or np.inf)
    found: list[Prediction | None] = [None] * len(split)
    if not len(split):
        return found
    if form.choices:
        questions = offer(split, form, tokenizer)
        lengths = [max(len(each.prompt) + len(each.completion) for each in choices) for choices in questions]
        fitting = [number for number, length in enumerate(lengths) if length <= room]
        asked = [questions[number] for number in fitting]
        chosen = Choosing(asked, [""] * len(asked), tokenizer, _TOGETHER).chosen(ready.model, precision)
        for number, choice in zip(fitting, chosen, strict=True):
            found[number] = Prediction(choice)
        return found
    prompts = prompts_of(split, form, tokenizer)
    stops, pad_id = stop_strings(form, tokenizer), pad_id_of(tokenizer)
    how: dict[str, Any] = {"ends": ready.how["ends"], "stops": stops, "pad_id": pad_id, "precision": precision}
    left = [room - len(prompt) if prompt else 0 for prompt in prompts]
    # What is long is answered by itself, so that it cuts no other answer short.
    together = [number for number, tokens in enumerate(left) if tokens >= most]
    written = generate_all(ready.model, [prompts[number] for number in together], tokenizer, cap=most, **how)
    for number, [text] in zip(together, written, strict=True):
        found[number] = Prediction(text)
    for number, tokens in enumerate(left):
        if 0 < tokens < most:
            [[text]] = generate_all(ready.model, [prompts[number]], tokenizer, cap=int(tokens), **how)
            found[number] = Prediction(text)
    return found
