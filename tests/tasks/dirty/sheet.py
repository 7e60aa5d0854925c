"""Known rows on their way into a file: what is written, and what may become of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

__all__ = ["ABSENT", "FOREIGN", "Line", "Pair", "Row", "Sheet", "Verdict"]

#: A text and the name of its label.
Pair = tuple[str, str]

#: What a reader must do: `read` all that is good, say that it is `refused`, or `either`.
Verdict = str

#: In place of a cell: a row without this key.
ABSENT = object()

#: A letter that is written as one byte of Latin 1, whatever encoding the file has.
FOREIGN = "\ue0e9"


@dataclass
class Row:
    """A row.

    Args:
        cells: What is written, in the order of the sheet's columns.
        fates: What it may be used as; None stands for being left out and counted.
        touched: Whether dirt was put on it, so that a message may name it.
        spoil: What is done to its fields once they are written; nothing when left out.
        line: The line in which it begins, once written.
        lines: How many it takes.
    """

    cells: list[Any]
    fates: list[Pair | None]
    touched: bool = False
    spoil: Callable[[list[str]], list[str]] | None = None
    line: int | None = None
    lines: int = 1


#: A line of a file, and the row that it is.
Line = tuple[str, Row | None]


@dataclass
class Sheet:
    """Rows under the names of their columns.

    Args:
        columns: The names, of which two may be alike.
        text: The name of the column of texts.
        label: The name of the column of labels.
        rows: The rows.
        kind: The kind of file that they go into.
        delimiter: What separates fields, where something does.
        quoting: How fields are quoted, where they are.
        encoding: The encoding, where there is one.
        seed: What is to be drawn alike in all splits is drawn with it.
        verdicts: What each kind of dirt lets a reader do.
        header: Whether the names are written.
        rename: What columns are called in the file, given their places and names.
        edits: What is done to the lines before they are joined.
        line_ends: What ends lines, in turn, in place of the recipe's line end.
        ended: Whether the last line ends.
        trailing: Whether each row ends with a delimiter.
        cut: Whether the file lacks its end.
        foreign: Whether it has `FOREIGN` in it.
        about: Words of which a refusal must have one.
        said: Words that must be said of what is read.
        unused: Columns that must be named as not used.
        remarked: Whether something must be remarked of rows that are used.
        literal: Whether labels are names, of which `1` and `1.0` are two.
    """

    columns: list[str]
    text: str
    label: str
    rows: list[Row]
    kind: str
    delimiter: str
    quoting: str
    encoding: str
    seed: int
    verdicts: set[Verdict] = field(default_factory=set)
    header: bool = True
    rename: Callable[[int, str], str] = lambda place, name: name
    edits: list[Callable[[list[Line]], list[Line]]] = field(default_factory=list)
    line_ends: list[str] = field(default_factory=list)
    ended: bool = True
    trailing: bool = False
    cut: bool = False
    foreign: bool = False
    about: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)
    remarked: bool = False
    literal: bool = False

    @property
    def verdict(self) -> Verdict:
        """The strictest of the verdicts."""
        return next((each for each in ("refused", "either") if each in self.verdicts), "read")

    @property
    def titles(self) -> list[str]:
        """What the columns are called in the file."""
        return [self.rename(place, name) for place, name in enumerate(self.columns)]

    @property
    def wide(self) -> bool:
        """Whether the file can hold every letter."""
        return self.kind not in ("csv", "tsv", "jsonl", "json") or self.encoding.startswith("utf")

    def holds(self, text: str) -> bool:
        """Tell whether the file can hold a text as it is."""
        raw = self.kind in ("csv", "tsv") and self.quoting == "none"
        fits = not raw or not (text.startswith('"') or any(each in text for each in (self.delimiter, "\n", "\r")))
        return fits and (self.wide or _encodes(text, self.encoding))

    def said_by(self, row: Row) -> str:
        """Return the text of a row that nothing was done to."""
        return next(fate[0] for fate in row.fates if fate is not None)

    def pick(self, rng: Random, most: int = 3, least: int = 1) -> list[Row]:
        """Choose some rows that nothing was done to, and mark them."""
        clean = [row for row in self.rows if not row.touched]
        chosen = rng.sample(clean, rng.randint(least, most))
        for row in chosen:
            row.touched = True
        return chosen

    def put(self, row: Row, column: str, value: Any) -> None:
        """Write something into a cell."""
        row.cells[self.columns.index(column)] = value

    def add(self, name: str, values: list[Any], place: int) -> None:
        """Insert a column."""
        self.columns.insert(place, name)
        for row, value in zip(self.rows, values, strict=True):
            row.cells.insert(place, value)

    def relabel(self, values: list[Any], names: list[str]) -> None:
        """Give all rows other labels.

        Args:
            values: What is written, row by row.
            names: What those labels are called.
        """
        for row, value, name in zip(self.rows, values, names, strict=True):
            self.put(row, self.label, value)
            row.fates = [None if fate is None else (fate[0], name) for fate in row.fates]

    def retext(self, values: list[Any], texts: list[str]) -> None:
        """Give all rows other texts; arguments as for `relabel`."""
        for row, value, text in zip(self.rows, values, texts, strict=True):
            self.put(row, self.text, value)
            row.fates = [None if fate is None else (text, fate[1]) for fate in row.fates]


def _encodes(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
