"""What tools outside can take of tasks of a kind: their examples, in the forms that these train on or load."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from autopeft.errors import AutopeftError
from autopeft.tasks import Task

if TYPE_CHECKING:
    from autopeft.trials.script import Script
    from autopeft.trials.writing import Preferring, Writing

__all__ = ["ForTools"]


class ForTools:
    """What a kind of trials offers to tools; by itself nothing.

    Attributes:
        does: What such a model does, after the name of a task: `classifies texts`.
        writes: Whether what is learned is text to be written, which tools for language models train on.
        prefers: Whether what is learned is which of two texts is to be preferred, which some of these train on.
        scripted: Whether there is a script that trains it around transformers' Trainer.
        sentence_transformers: The class of sentence-transformers that uses such a model, where one does.
    """

    does: ClassVar[str]
    writes: ClassVar[bool] = False
    prefers: ClassVar[bool] = False
    scripted: ClassVar[bool] = False
    sentence_transformers: ClassVar[str | None] = None

    def texts_of(self, split: Any) -> Sequence[tuple[str, ...]]:
        """Return the texts of examples as `sentence_transformers` takes them, in the order of what is predicted."""
        return ()

    def sentence_files(self) -> Mapping[str, Any]:
        """Return JSON data by the name of a file, by which `sentence_transformers` loads such a model from a folder."""
        raise AutopeftError(f"sentence-transformers has no model that {self.does}")

    def script(self, task: Task, tokenizer: Any, max_length: int) -> Script:
        """Return the script that trains such a task around transformers' Trainer; where `scripted` says so."""
        raise AutopeftError(f"there is no script for a task that {self.does}")

    def writing(self, task: Task, tokenizer: Any, max_length: int) -> Writing:
        """Return what is learned as text to be written; where `writes` says so."""
        raise AutopeftError(f"a task that {self.does} has no text to write")

    def preferring(self, task: Task, tokenizer: Any, max_length: int) -> Preferring:
        """Return what is learned as pairs of texts; where `prefers` says so."""
        raise AutopeftError(f"a task that {self.does} has no pairs of texts to choose between")
