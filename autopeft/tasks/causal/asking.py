"""What a model is asked of an example, in tokens, and what it should go on with."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType
from typing import Any, NamedTuple

from autopeft.tasks.causal.encoding import IGNORED, Tokenised, special_ids, tokenise
from autopeft.tasks.causal.formats import Format
from autopeft.tasks.causal.judging.beside import Beside
from autopeft.tasks.causal.render import render
from autopeft.tasks.causal.split import CausalSplit
from autopeft.tasks.causal.turns import Example, Turn

__all__ = ["Question", "ask", "ending_tokens", "offer", "prompts_of", "stop_strings"]


class Question(NamedTuple):
    """An example as a question.

    Args:
        prompt: Token ids up to what is learned last.
        completion: Those from there on, with the token that ends it.
        wanted: What is learned last, as text.
        beside: What stands beside it for the metric of the task.
    """

    prompt: list[int]
    completion: list[int]
    wanted: str
    beside: Beside = MappingProxyType({})


def ask(split: CausalSplit, form: Format, tokenizer: Any) -> list[Question]:
    """Return the questions of a split: of a conversation, what comes before the last turn that is learned."""
    found = tokenise(split, form, tokenizer)
    questions = [_question(each, example, tokenizer) for each, example in zip(found, split.examples, strict=True)]
    if not split.beside:
        return questions
    return [each._replace(beside=beside) for each, beside in zip(questions, split.beside, strict=True)]


def offer(split: CausalSplit, form: Format, tokenizer: Any) -> list[list[Question]]:
    """Return a question for each choice of each example, the choice as what is wanted."""
    assert split.choices is not None
    asked = [
        (Turn("user", example[0].content), Turn("assistant", choice))
        for example, choices in zip(split.examples, split.choices, strict=True)
        for choice in choices
    ]
    questions = iter(ask(CausalSplit(asked), form, tokenizer))
    return [[next(questions) for _ in choices] for choices in split.choices]


def prompts_of(split: CausalSplit, form: Format, tokenizer: Any) -> list[list[int]]:
    """Return what a model is to go on with, in tokens: plain texts, or what comes before the last turn of others."""
    found = []
    for example, place in zip(split.examples, split.places or [""] * len(split), strict=True):
        rendered = render(example, form, tokenizer, place)
        # Blanks go into one token with the word after them, which is not there yet.
        text = rendered.text.rstrip(" \t") if form.plain else rendered.text[: rendered.learned[-1][0]]
        ids = list(tokenizer(text, add_special_tokens=not rendered.templated)["input_ids"])
        # What ends a text would leave nothing to go on with.
        ended = not rendered.templated and ids[-1:] == [tokenizer.eos_token_id]
        found.append(ids[:-1] if ended else ids)
    return found


def ending_tokens(questions: Iterable[Question], tokenizer: Any) -> set[int]:
    """Return the tokens after which nothing follows: the end of a text, and that of a turn as the template has it."""
    ends = {question.completion[-1] for question in questions if question.completion} & special_ids(tokenizer)
    return ends if tokenizer.eos_token_id is None else ends | {tokenizer.eos_token_id}


def stop_strings(form: Format, tokenizer: Any) -> list[str]:
    """Return what a model without a chat template writes when it begins a question of its own."""
    opening = form.before.partition("{}")[0].strip()
    return [opening] if opening and not getattr(tokenizer, "chat_template", None) else []


def _question(found: Tokenised, example: Example, tokenizer: Any) -> Question:
    """Divide an example before the last of its stretches that are learned; after all of it where none is."""
    ids, labels = found.ids, found.labels
    end = max((place for place, label in enumerate(labels) if label != IGNORED), default=len(ids) - 1) + 1
    start = end
    while start and labels[start - 1] != IGNORED:
        start -= 1
    turn, completion = example[found.rendered.turns[-1]], ids[start:end]
    # Beside its content the model writes calls or thoughts, as its template has them.
    wanted = tokenizer.decode(completion, skip_special_tokens=True).strip() if turn.further else turn.content
    return Question(ids[:start], completion, wanted)
