"""From rows of any source to clean examples: text, label name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from autopeft.errors import DataError
from autopeft.tasks.task import Text

__all__ = ["Examples", "Rows", "clean", "pick"]

#: One tuple of values a row, in the order of the columns asked for.
Rows = list[tuple[Any, ...]]


def pick(
    rows: Iterable[dict[str, Any]], columns: Sequence[str], source: str, known: Sequence[str] | None = None
) -> Rows:
    """Take some columns of rows.

    Args:
        rows: The rows by column name; a key that is missing in a row reads as None.
        columns: Names of the columns to take.
        source: Where the rows come from, for messages.
        known: All columns the source has; the keys of the first row when left out.

    Raises:
        DataError: When there are no rows, or a column is lacking.
    """
    rows = list(rows)
    if not rows:
        raise DataError(f"'{source}' holds no rows; expected some with the columns: {', '.join(columns)}")
    names = list(rows[0]) if known is None else list(known)
    for column in columns:
        if column not in names:
            near = difflib.get_close_matches(column, names, n=1)
            raise DataError(
                f"'{source}' has no column '{column}'; found: {', '.join(names)}."
                + (f" Did you mean '{near[0]}'?" if near else "")
                + " Name the columns with text, text2 and label"
            )
    return [tuple(row.get(column) for column in columns) for row in rows]


@dataclass(frozen=True)
class Examples:
    """Clean examples, labels still by name.

    Args:
        texts: The inputs.
        names: The label name of each.
        dropped: How many rows had an empty text or label.
    """

    texts: list[Text]
    names: list[str]
    dropped: int = 0

    def __len__(self) -> int:
        return len(self.names)

    def take(self, indices: Iterable[int]) -> Examples:
        """Return the examples at the indices, in their order."""
        picked = list(indices)
        return Examples([self.texts[i] for i in picked], [self.names[i] for i in picked])


def clean(rows: Rows) -> Examples:
    """Turn rows of (text, [second text,] label) into examples; rows with anything empty are dropped."""
    examples = Examples([], [])
    dropped = 0
    for *values, label in rows:
        texts = ["" if value is None else str(value).strip() for value in values]
        name = _label_name(label)
        if not name or not all(texts):
            dropped += 1
            continue
        examples.texts.append(texts[0] if len(texts) == 1 else (texts[0], texts[1]))
        examples.names.append(name)
    return Examples(examples.texts, examples.names, dropped)


def _label_name(label: object) -> str:
    """Return a label's name; a column of whole numbers with gaps is read as floats, so 1.0 is 1."""
    if label is None or label != label:  # NaN
        return ""
    if isinstance(label, float) and label.is_integer():
        return str(int(label))
    return str(label).strip()
