"""What is learned as text to be written, for tools that train language models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Message", "PreferredRow", "Preferring", "Segment", "Tokens", "Writing", "WrittenRow"]

#: A stretch of text, and whether it is learned.
Segment = tuple[str, bool]

#: Tokens, and the label of each; or tokens and the label of all.
Tokens = tuple[list[int], Any]


@dataclass(frozen=True)
class Message:
    """What one speaker says.

    Args:
        told: All that a chat template is told of it, `role` and `content` among that.
        learned: Whether it is learned.
        plain: Whether it is told no more than `role` and `content`, and is something that is said.
    """

    told: Mapping[str, Any]
    learned: bool
    plain: bool


@dataclass(frozen=True)
class WrittenRow:
    """An example as trials train on it.

    Args:
        messages: Who says what.
        ids: Its tokens, cut at the maximum length.
        labels: At each its own id where it is learned, else `IGNORED`.
        whole: Its text, uncut.
        text: Its text as far as the tokens go.
    """

    messages: Sequence[Message]
    ids: list[int]
    labels: list[int]
    whole: Sequence[Segment]
    text: Sequence[Segment]

    @property
    def tokens(self) -> Tokens:
        """Tokens and labels."""
        return self.ids, self.labels


@dataclass(frozen=True)
class Writing:
    """The training and validation examples that have something left to learn once cut.

    Args:
        rows: Those of each split.
        goes_on: Whether each is one text, all of it learned.
    """

    rows: Mapping[str, Sequence[WrittenRow]]
    goes_on: bool


@dataclass(frozen=True)
class PreferredRow:
    """A prompt with a better and a worse answer, as trials train on it.

    Args:
        prompt: Who says what before the answers.
        chosen: The better answer.
        rejected: The worse one.
        asked: The prompt as text, up to where the answers begin.
        answers: The better answer as text, and the worse one, with what ends them.
        tokens: Tokens and labels of prompt and better answer, and of prompt and worse answer, cut.
    """

    prompt: Sequence[Message]
    chosen: Sequence[Message]
    rejected: Sequence[Message]
    asked: str
    answers: tuple[str, str]
    tokens: tuple[Tokens, Tokens]


@dataclass(frozen=True)
class Preferring:
    """The training and validation pairs whose answers still differ once cut.

    Args:
        rows: Those of each split.
        templated: Whether a chat template wrote them.
    """

    rows: Mapping[str, Sequence[PreferredRow]]
    templated: bool
