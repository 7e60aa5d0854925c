"""From an example to the text a model reads, and which stretches of it are learned."""

from __future__ import annotations

from typing import Any, NamedTuple

from autopeft.errors import DataError
from autopeft.tasks.causal.examples import Example
from autopeft.tasks.causal.formats import Format

__all__ = ["Rendered", "render"]


class Rendered(NamedTuple):
    """An example as text.

    Args:
        text: All of it.
        learned: Start and end, in characters, of each stretch that is learned.
        templated: Whether the chat template wrote it, special tokens and all.
    """

    text: str
    learned: tuple[tuple[int, int], ...]
    templated: bool


def render(example: Example, form: Format, tokenizer: Any, place: str = "") -> Rendered:
    """Write an example as the model reads it: by its chat template where it has one.

    Args:
        example: The example.
        form: What form it has.
        tokenizer: The backbone's.
        place: Where it stands, for messages.

    Raises:
        DataError: When the example is a conversation and the tokenizer has no template for it, or refuses it.
    """
    if form.plain:
        text = example[0].content
        return Rendered(text, ((0, len(text)),), templated=False)
    if getattr(tokenizer, "chat_template", None):
        return _by_template(example, tokenizer, f"{place}: " if place else "")
    if form.conversation:
        raise DataError(
            "the data are conversations, but the tokenizer of this model has no chat template to write them with; "
            "choose an instruction-tuned model, or give the data as prompt and completion"
        )
    before = form.before.format(example[0].content)
    text = before + form.between + example[1].content
    return Rendered(text, ((len(before), len(text)),), templated=False)


def _by_template(example: Example, tokenizer: Any, before: str) -> Rendered:
    """Write a conversation; learned is what the model would have to write itself, its end-of-turn token included."""
    text = _written(example, tokenizer, before)
    stretches = []
    for number, turn in enumerate(example):
        if turn.role != "assistant":
            continue
        start = len(_written(example[:number], tokenizer, before, add_generation_prompt=True))
        upto = _written(example[: number + 1], tokenizer, before)
        # Some templates write earlier turns otherwise than the last, without their thoughts for one.
        if text.startswith(upto) and start < len(upto):
            # Nothing is generated after the end of a turn.
            stretches.append((start, len(upto.rstrip())))
    if not stretches:
        raise DataError(
            f"{before}the chat template of this model does not end a conversation with what the assistant says, so "
            "that nothing can be learned from it; let each conversation end with the assistant, or choose another model"
        )
    return Rendered(text, tuple(stretches), templated=True)


def _written(example: Example, tokenizer: Any, before: str, **how: bool) -> str:
    from jinja2 import TemplateError

    messages = [turn._asdict() for turn in example]
    try:
        written: str = tokenizer.apply_chat_template(messages, tokenize=False, **how)
    except TemplateError as error:
        roles = ", ".join(turn.role for turn in example)
        raise DataError(
            f"{before}the chat template of this model refuses a conversation of {roles} ({error}); "
            "mend the conversations, or choose another model"
        ) from error
    return written
