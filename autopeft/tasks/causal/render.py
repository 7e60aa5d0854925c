"""From an example to the text a model reads, and which stretches of it are learned."""

from __future__ import annotations

from typing import Any, NamedTuple

from autopeft.errors import DataError
from autopeft.tasks.causal.formats import Format
from autopeft.tasks.causal.template import by_template
from autopeft.tasks.causal.turns import Example

__all__ = ["Rendered", "render"]

#: What may move from a prompt's end to its completion's head: tokenizers put it into one token with the word after it.
_BLANKS = " \t"


class Rendered(NamedTuple):
    """An example as text.

    Args:
        text: All of it.
        learned: Start and end, in characters, of each stretch that is learned.
        templated: Whether the chat template wrote it, special tokens and all.
        turns: For each stretch the index of the turn that it is.
        moved: Whether blanks at the end of a prompt are learned, as the head of its completion.
        unlearned: Turns that would be learned, but are written otherwise where other turns follow.
        unwritten: What the chat template was told of, and did not write.
    """

    text: str
    learned: tuple[tuple[int, int], ...]
    templated: bool
    turns: tuple[int, ...] = (0,)
    moved: bool = False
    unlearned: int = 0
    unwritten: frozenset[str] = frozenset()


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
        found = by_template(example, tokenizer, f"{place}: " if place else "")
        return Rendered(found.text, found.learned, True, found.turns, False, found.unlearned, found.unwritten)
    if form.conversation:
        raise DataError(
            "the data are conversations, but the tokenizer of this model has no chat template to write them with; "
            "choose an instruction-tuned model, or give the data as prompt and completion"
        )
    return _by_form(example, form)


def _by_form(example: Example, form: Format) -> Rendered:
    """Write prompts as their form has it, and completions after them, from the blanks before them on."""
    text, stretches, turns, moved = "", [], [], False
    for number, turn in enumerate(example):
        if turn.role != "assistant":
            text += "\n\n" if text else ""
            text += form.before.format(turn.content) if turn.role == "user" else turn.content
            continue
        start = len(text.rstrip(_BLANKS))
        moved |= start < len(text)
        text += form.between + turn.content
        stretches.append((start, len(text)))
        turns.append(number)
    return Rendered(text, tuple(stretches), False, tuple(turns), moved)
