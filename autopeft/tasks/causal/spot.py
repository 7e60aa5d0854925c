"""A place in the data, where what stands there is read, refused or left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from autopeft.errors import DataError
from autopeft.tasks.intake import Ledger
from autopeft.tasks.tables import Table, is_missing, kind_in_words, mended, text_of

__all__ = ["LeftOut", "Spot", "numbers_at", "place_of"]


def place_of(source: str, row: str) -> str:
    """Return where a row of a source stands, for messages."""
    return f"'{source}', {row}"


def numbers_at(table: Table, places: Sequence[str]) -> list[int]:
    """Return which rows of a table stand at places, as `place_of` names them."""
    numbers = {place_of(table.source, place): number for number, (place, _) in enumerate(table.rows)}
    return [numbers[place] for place in places]


class LeftOut(Exception):  # noqa: N818 (no error: the row is counted)
    """A row that is dropped, with the reason."""


@dataclass(frozen=True)
class Spot:
    """A place in a source.

    Args:
        source: The source.
        row: Which of its rows.
        ledger: The account that is kept of the rows.
        within: Where in the row.
    """

    source: str
    row: str
    ledger: Ledger
    within: str = ""

    def __str__(self) -> str:
        return place_of(self.source, self.row) + self.within

    def at(self, within: str) -> Spot:
        """Return a place within this one."""
        return replace(self, within=f"{self.within}, {within}")

    def text(self, value: Any) -> str:
        """Return what a value says as text, without halves of characters.

        Raises:
            DataError: When it is no text.
        """
        found = text_of(value)
        if found is None:
            raise DataError(f"{self}: found {kind_in_words(value)}; expected text")
        whole = mended(found)
        if whole != found:
            self.remark("half a character replaced by \N{REPLACEMENT CHARACTER}")
        return whole

    def filled(self, row: Mapping[str, Any], column: str) -> Any:
        """Return the value of a column.

        Raises:
            LeftOut: When it holds nothing.
        """
        value = row.get(column)
        if is_missing(value):
            raise LeftOut(f"'{column}' is empty")
        return value

    def remark(self, what: str) -> None:
        """Note what was done to the row."""
        self.ledger.remark(self.row, what)
