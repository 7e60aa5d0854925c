"""Conversations as a chat template writes them, and which stretches of that are learned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from autopeft.errors import DataError
from autopeft.tasks.causal.json_text import json_of
from autopeft.tasks.causal.tools import CALLS
from autopeft.tasks.causal.turns import TOOLS, Example, Turn, parted

__all__ = ["Written", "by_template", "opened"]


class Written(NamedTuple):
    """A conversation as a template writes it.

    Args:
        text: All of it.
        learned: Start and end, in characters, of each stretch that is learned.
        turns: For each stretch the index of the turn that it is.
        unlearned: Turns that would be learned, but are written otherwise where other turns follow.
        unwritten: What the template was told of, and did not write.
    """

    text: str
    learned: tuple[tuple[int, int], ...]
    turns: tuple[int, ...]
    unlearned: int
    unwritten: frozenset[str]


def by_template(example: Example, tokenizer: Any, before: str) -> Written:
    """Write a conversation; learned is what the model would have to write itself, its end-of-turn token included.

    Args:
        example: The conversation.
        tokenizer: The backbone's, which has a template.
        before: What messages begin with.

    Raises:
        DataError: When the template refuses it, leaves out calls of tools, or nothing of it can be learned.
    """
    tools, turns = parted(example)
    writer, text = _written(tokenizer, tools, turns, before)
    unwritten = _unwritten(writer, text, turns)
    stretches, learned = [], []
    for number, turn in enumerate(turns):
        if turn.learned:
            upto = writer.write(turns[: number + 1])
            start = writer.beginning(turns[:number], turn, upto)
            # Some templates write earlier turns otherwise than the last, without their thoughts for one.
            if start is not None and text.startswith(upto) and start < len(upto):
                # Nothing is generated after the end of a turn.
                stretches.append((start, len(upto.rstrip())))
                learned.append(len(example) - len(turns) + number)
    if not stretches:
        raise DataError(
            f"{before}the chat template of this model does not end a conversation with what the assistant says, so "
            "that nothing can be learned from it; let each conversation end with the assistant, "
            "or choose another model"
        )
    wanted = sum(turn.learned for turn in turns)
    return Written(text, tuple(stretches), tuple(learned), wanted - len(stretches), unwritten)


def opened(example: Example, tokenizer: Any, before: str) -> str:
    """Write what is asked, with what opens the assistant's answer to it; arguments and errors as of `by_template`."""
    tools, turns = parted(example)
    writer, _ = _written(tokenizer, tools, turns, before)
    return writer.write(turns, add_generation_prompt=True)


class _Writer:
    """Writes by the template of a tokenizer.

    Args:
        tokenizer: The tokenizer.
        tools: Functions that may be called.
        before: What messages begin with.
        as_text: Whether the arguments of calls are handed over as JSON text.
    """

    def __init__(self, tokenizer: Any, tools: list[Any] | None, before: str, as_text: bool = False) -> None:
        self._tokenizer = tokenizer
        self._as_text = as_text
        self.tools = tools
        self.before = before

    def write(self, turns: Sequence[Turn], *, tools: bool = True, **how: bool) -> str:
        """Return turns as the template writes them.

        Args:
            turns: The turns.
            tools: Whether the template is told of the functions that may be called.
            how: What else it is told.

        Raises:
            DataError: When it refuses them.
        """
        offered = {"tools": self.tools} if tools and self.tools else {}
        messages = [turn.message() for turn in turns]
        for call in (call for message in messages for call in message.get(CALLS, ()) if self._as_text):
            call["function"]["arguments"] = json_of(call["function"]["arguments"])
        try:
            written: str = self._tokenizer.apply_chat_template(messages, tokenize=False, **offered, **how)
        except Exception as error:  # a template is a program of somebody else's
            roles = ", ".join(turn.role for turn in turns)
            raise DataError(
                f"{self.before}the chat template of this model refuses a conversation of {roles} ({error}); "
                "mend the conversations, or choose another model"
            ) from error
        return written

    def beginning(self, turns: Sequence[Turn], turn: Turn, upto: str) -> int | None:
        """Return where a turn begins to be generated; None where that is unknown.

        Args:
            turns: What comes before it.
            turn: The turn.
            upto: All of it, as the template writes it.
        """
        if not turns:
            return self._opened(upto)
        prompted = self.write(turns, add_generation_prompt=True)
        if upto.startswith(prompted):
            return len(prompted)
        plain = self.write(turns)
        if not upto.startswith(plain) or not prompted.startswith(plain):
            return None
        # The template begins what is to be generated otherwise than what was said, with a thought for one.
        alike = next(number for number, pair in enumerate(zip(prompted, upto, strict=False)) if len(set(pair)) > 1)
        said = upto.find(turn.content.strip(), len(plain))
        return alike if said < 0 else min(alike, said)

    def _opened(self, upto: str) -> int | None:
        """Return where the first turn of all begins to be generated: after what opens the assistant's elsewhere."""
        asked = [Turn("user", "a")]
        opening = self.write(asked, add_generation_prompt=True).removeprefix(self.write(asked))
        place = upto.find(opening)
        return place + len(opening) if opening and place >= 0 else None

    def ignores(self, text: str, turns: Sequence[Turn], *, tools: bool = True) -> bool:
        """Tell whether a text is written of other turns, or without the functions, too."""
        try:
            return self.write(turns, tools=tools) == text
        except DataError:
            return False


def _written(tokenizer: Any, tools: list[Any] | None, turns: Example, before: str) -> tuple[_Writer, str]:
    """Return what hands a template the arguments of calls as it wants them, and all the turns as it writes them."""
    as_objects, as_text = (_Writer(tokenizer, tools, before, text) for text in (False, True))
    arguments = [call["function"]["arguments"] for turn in turns for call in turn.told.get(CALLS, ())]
    try:
        text = as_objects.write(turns)
    except DataError:
        if not arguments:
            raise
        return as_text, as_text.write(turns)
    # A template that takes them for text writes an object as Python does.
    if any(found and repr(found) in text for found in arguments):
        return as_text, as_text.write(turns)
    return as_objects, text


def _unwritten(writer: _Writer, text: str, turns: Example) -> frozenset[str]:
    """Return what a template was told of, and did not write.

    Raises:
        DataError: When that is a call of a tool, which is what the turn says.
    """
    keys = {key for turn in turns for key in turn.told}
    found = {key for key in keys - {CALLS} if writer.ignores(text, [turn.without(key) for turn in turns])}
    if writer.tools and writer.ignores(text, turns, tools=False):
        found.add(TOOLS)
    for number in _doubtful(writer, turns):
        if writer.ignores(text, (*turns[:number], turns[number].without(CALLS), *turns[number + 1 :])):
            raise DataError(
                f"{writer.before}the chat template of this model does not write the calls of tools ('{CALLS}'), so "
                "that they cannot be learned; write them as content, or choose a model whose template writes them"
            )
    return frozenset(found)


def _doubtful(writer: _Writer, turns: Example) -> list[int]:
    """Return the turns whose calls may not be written: those of which a name put into them does not come out."""
    calling = {number: f"called_in_turn_{number}_" for number, turn in enumerate(turns) if CALLS in turn.told}
    named = list(turns)
    for number, name in calling.items():
        told = turns[number].told
        told[CALLS][0]["function"]["name"] = name
        named[number] = turns[number]._replace(further=json_of(told))
    try:
        # All at once, for a conversation may hold hundreds.
        text = writer.write(named) if calling else ""
    except DataError:
        return [*calling]
    return [number for number, name in calling.items() if name not in text]
