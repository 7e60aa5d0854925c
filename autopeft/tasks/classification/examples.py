"""From tables to clean examples: text, label name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autopeft.tasks.intake import Intake
from autopeft.tasks.labels import LabelNames
from autopeft.tasks.rows import MEND, check_columns, labelled
from autopeft.tasks.tables import Table, mended
from autopeft.tasks.text_columns import names_of
from autopeft.tasks.texts import Text

__all__ = ["Examples", "examples_of"]


@dataclass(frozen=True)
class Examples:
    """Clean examples, labels still by name.

    Args:
        texts: The inputs.
        names: The label name of each.
    """

    texts: list[Text]
    names: list[str]

    def __len__(self) -> int:
        return len(self.names)

    def take(self, indices: Iterable[int]) -> Examples:
        """Return the examples at the indices, in their order."""
        picked = list(indices)
        return Examples([self.texts[i] for i in picked], [self.names[i] for i in picked])


def examples_of(
    tables: Mapping[str, Table], texts: Sequence[str], label: str, *, asked: bool
) -> tuple[dict[str, Examples], dict[str, Intake], LabelNames]:
    """Return the clean examples of tables, by split, and the account of their rows.

    Args:
        tables: The tables by split.
        texts: The columns of the texts, one or two.
        label: The column of the label.
        asked: Whether the user has said that the labels are classes.

    Raises:
        DataError: When a column is lacking, or the labels are no classes.
    """
    for table in tables.values():
        check_columns(table, [*texts, label], MEND)
    names = names_of(tables, label, asked=asked)

    called: dict[tuple[type, Any], str] = {}

    def read(value: Any) -> str:
        # By type too, for 1 and True are one key.
        key = type(value), value
        if key not in called:
            called[key] = mended(names.of(value))
        return called[key]

    examples, intakes = {}, {}
    for split, table in tables.items():
        found, labelled_so, intakes[split] = labelled(table, texts, label, read)
        examples[split] = Examples(found, labelled_so)
    return examples, intakes, names
