"""What an example is: who says what, in turn."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

__all__ = ["ROLES", "STAND_IN", "TOOLS", "Example", "Turn", "before_answer", "parted", "recorded", "with_answer"]

#: Who may speak; what `assistant` says is learned.
ROLES = ("system", "user", "assistant", "tool")

#: Role of a first turn that says, as JSON, which functions the assistant may call.
TOOLS = "tools"


#: What stands in an example for an answer that is wanted: only what comes before it is read.
STAND_IN = "?"


class Turn(NamedTuple):
    """What one speaker says.

    Args:
        role: One of `ROLES`, or `TOOLS`.
        content: What is said.
        further: What else a chat template is told of it, as a JSON object: calls of tools, a name, thoughts.
        skipped: Whether an assistant's turn is only read, as the data says.
    """

    role: str
    content: str
    further: str = ""
    skipped: bool = False

    @property
    def learned(self) -> bool:
        """Whether a model is to learn to say it."""
        return self.role == "assistant" and not self.skipped

    @property
    def told(self) -> dict[str, Any]:
        """What a chat template is told beside role and content."""
        found: dict[str, Any] = json.loads(self.further) if self.further else {}
        return found

    def message(self) -> dict[str, Any]:
        """Return the turn as chat templates take it."""
        return {"role": self.role, "content": self.content, **self.told}

    def without(self, key: str) -> Turn:
        """Return the turn with one thing less that a template is told."""
        kept = {name: value for name, value in self.told.items() if name != key}
        return self._replace(further=json.dumps(kept, ensure_ascii=False) if kept else "")


#: A conversation; of a prompt and its completion two turns, of plain text a single one.
Example = tuple[Turn, ...]


def parted(example: Example) -> tuple[list[Any] | None, Example]:
    """Return the functions that may be called, None where there are none, and who says what."""
    if example[0].role == TOOLS:
        return json.loads(example[0].content), example[1:]
    return None, example


def before_answer(example: Example) -> Example:
    """Return what stands before the last answer; all of a plain text."""
    last = max(number for number, turn in enumerate(example) if turn.role == "assistant")
    return example[:last] or example


def with_answer(example: Example, answer: str) -> Example:
    """Return an example whose last turn that is learned says something else; calls of tools in it stay."""
    last = max(number for number, turn in enumerate(example) if turn.learned)
    return (*example[:last], example[last]._replace(content=answer), *example[last + 1 :])


def recorded(example: Example) -> Sequence[Sequence[Any]]:
    """Return plain data that stands for an example in a task's fingerprint."""
    # As it was before turns held more than role and content.
    return [turn if turn.further or turn.skipped else turn[:2] for turn in example]
