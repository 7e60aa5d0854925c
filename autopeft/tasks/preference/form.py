"""The form that pairs of answers come in, told by columns and by what stands in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autopeft.tasks.causal.conversation import is_message
from autopeft.tasks.causal.formats import PAIRED, Format
from autopeft.tasks.causal.json_text import read_text
from autopeft.tasks.spec import TaskSpec
from autopeft.tasks.tables import Table, is_missing

__all__ = ["PairForm", "form_of", "has_pairs", "is_conversation"]


@dataclass(frozen=True)
class PairForm:
    """Where prompts, better and worse answers stand.

    Args:
        prompt: The column of prompts; None where conversations begin with them.
        chosen: The column of the better answers.
        rejected: The column of the worse ones.
        conversation: Whether answers are lists of messages, perhaps with the prompt's before them; else texts.
    """

    prompt: str | None
    chosen: str
    rejected: str
    conversation: bool

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are needed."""
        return (*((self.prompt,) if self.prompt else ()), self.chosen, self.rejected)

    @property
    def asking(self) -> str:
        """The column of what is to be answered."""
        return self.prompt or self.chosen

    @property
    def answering(self) -> Format:
        """The form of prompts with better answers alone."""
        if self.conversation:
            return Format("messages", (self.asking,))
        return Format("pair", (self.asking, self.chosen))

    def answered_by(self, column: str) -> Format:
        """Return the form of prompts that are texts, with the answers of a column."""
        return Format("pair", (self.asking, column))

    def describe(self) -> str:
        """Say which columns are read, and what is learned."""
        answers = f"better answers of '{self.chosen}' and worse ones of '{self.rejected}'"
        if self.prompt is None:
            return f"conversations with {answers}, which begin alike; the better ones are learned to be preferred"
        what = "messages" if self.conversation else "texts"
        return f"prompts of '{self.prompt}' with {answers}, {what}; the better ones are learned to be preferred"


def has_pairs(spec: TaskSpec, columns: Sequence[str]) -> bool:
    """Tell whether data has a better and a worse answer, by the columns that it has and that the user names."""
    return bool(spec.chosen or spec.rejected) or set(columns) >= PAIRED


def form_of(spec: TaskSpec, tables: Mapping[str, Table]) -> PairForm:
    """Return the form of data: that of its first row in which something is answered.

    Args:
        spec: What the user says of it.
        tables: The rows by split.
    """
    train = tables["train"]
    chosen, rejected = spec.chosen or "chosen", spec.rejected or "rejected"
    first = next((row[chosen] for _, row in train.rows if not is_missing(row.get(chosen))), None)
    conversation = is_conversation(first)
    prompt = spec.prompt or ("prompt" if "prompt" in train.columns or not conversation else None)
    return PairForm(prompt, chosen, rejected, conversation)


def is_conversation(value: object) -> bool:
    """Tell whether a value is a list of messages, or writes one out."""
    found, _ = read_text(value)
    return isinstance(found, list) and bool(found) and all(map(is_message, found))
