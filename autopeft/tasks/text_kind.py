"""What kinds of task have in common that tell something of a text, or of two."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from autopeft.tasks.encoding import token_lengths
from autopeft.tasks.inputs import texts_given
from autopeft.tasks.intake import Intake
from autopeft.tasks.kind import TaskKind
from autopeft.tasks.overview import lengths_of
from autopeft.tasks.rows import texts_of
from autopeft.tasks.tables import Table
from autopeft.tasks.task import Task
from autopeft.tasks.texts import LabelledTexts

__all__ = ["TextKind"]

#: The flags of the columns of texts.
_FLAGS = ("text", "text2")


class TextKind(TaskKind):
    """A kind of task whose schema names in `columns` where its texts stand, one column or two."""

    of_rows = True
    replaced = "the first text"

    def inputs(self, split: LabelledTexts) -> Iterable[Any]:
        """Yield the texts."""
        return split.texts

    def nothing(self, schema: Any) -> LabelledTexts:
        """Return a split of no texts."""
        return LabelledTexts((), ())

    def asks(self, schema: Any) -> dict[str, str]:
        """Return the columns of the texts."""
        return dict(zip(_FLAGS, schema.columns, strict=False))

    def with_columns(self, schema: Any, columns: Sequence[str]) -> Any:
        """Return a schema whose texts stand in other columns."""
        return replace(schema, columns=tuple(columns))

    def rows_of(self, schema: Any, inputs: Sequence[Any]) -> list[dict[str, Any]]:
        """Return texts, or pairs of them, as rows."""
        return [dict(zip(schema.columns, texts, strict=True)) for texts in texts_given(inputs, len(schema.columns))]

    def unlabelled(self, schema: Any, table: Table) -> tuple[LabelledTexts, list[int], Intake]:
        """Return the texts of a table."""
        texts, numbers, intake = texts_of(table, schema.columns)
        return LabelledTexts(texts, [0] * len(texts)), numbers, intake

    def texts(self, split: LabelledTexts) -> list[tuple[str, ...]]:
        """Return the text of each example, or both."""
        return [(text,) if isinstance(text, str) else text for text in split.texts]

    def with_texts(self, split: LabelledTexts, texts: Sequence[tuple[str, ...]]) -> LabelledTexts:
        """Return examples with other texts."""
        return LabelledTexts([each[0] if len(each) == 1 else (each[0], each[1]) for each in texts], split.labels)

    def with_column(self, split: LabelledTexts, cells: Sequence[str | None]) -> LabelledTexts:
        """Return examples whose first texts are others."""
        both = zip(self.texts(split), cells, strict=True)
        return self.with_texts(split, [texts if cell is None else (cell.strip(), *texts[1:]) for texts, cell in both])

    def _in_words(self, task: Task) -> str:
        return "text pairs" if len(task.schema.columns) > 1 else "texts"

    def _lengths(self, task: Task, tokenizer: Any) -> dict[str, Any]:
        texts = task.train.texts
        if tokenizer is not None:
            return lengths_of(token_lengths(task.train, tokenizer), "tokens")
        return lengths_of([len(text) if isinstance(text, str) else sum(map(len, text)) for text in texts], "characters")

    def _rows(self, task: Task) -> Iterator[tuple[bytes, Iterator[tuple[Any, Any]]]]:
        """Yield for each split the line that begins it in a fingerprint, and its texts with what is told of them."""
        for name, split in task.splits.items():
            yield f"\n{name}\n".encode(), zip(split.texts, split.labels, strict=True)
