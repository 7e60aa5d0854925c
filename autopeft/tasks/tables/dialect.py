"""Delimited text by one dialect: what stands in which field if its quotes mean this or that."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import Any, NamedTuple

__all__ = ["BACKSLASH", "DELIMITERS", "PLAIN", "SPACED", "STANDARD", "WORDS", "Parsed", "Quoting", "parse"]

#: What may separate fields.
DELIMITERS = (",", ";", "\t", "|")

#: What they are called.
WORDS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}

# A whole document may be one field; the csv module stops at 128 KiB otherwise.
csv.field_size_limit(2**30)


class Quoting(NamedTuple):
    """What quotes mean."""

    arguments: dict[str, Any]


#: A quote at the beginning of a field closes before its end, and is doubled within (RFC 4180).
STANDARD = Quoting({"strict": True})
#: Likewise, but blanks may stand before it.
SPACED = Quoting({"strict": True, "skipinitialspace": True})
#: Likewise, but within it has a backslash before it.
BACKSLASH = Quoting({"strict": True, "doublequote": False, "escapechar": "\\"})
#: Quotes belong to the texts.
PLAIN = Quoting({"quoting": csv.QUOTE_NONE})


@dataclass(frozen=True)
class Parsed:
    """What a dialect makes of a text.

    Args:
        header: The fields of the first line.
        rows: The rows with as many fields, each with the line it begins in.
        odd: The rows with other numbers of fields.
        fault_line: The line in which a text begins whose quote is not closed; None where all are.
        spans: First and last line of each row that takes several.
    """

    header: list[str]
    rows: list[tuple[int, list[str]]]
    odd: list[tuple[int, list[str]]]
    fault_line: int | None
    spans: list[tuple[int, int]]

    @property
    def even(self) -> bool:
        """Whether the dialect fits: all rows have as many fields as the first line."""
        return not self.odd and self.fault_line is None

    @property
    def all_rows(self) -> list[tuple[int, list[str]]]:
        """All rows, in the order of their lines."""
        return sorted([*self.rows, *self.odd])


def parse(text: str, delimiter: str, quoting: Quoting, most: int | None = None) -> Parsed:
    """Parse a text by a dialect.

    Args:
        text: The text; lines with nothing but blanks are no rows, but in a file of one column.
        delimiter: What separates fields.
        quoting: What quotes mean.
        most: Rows after which to stop; all when left out.
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, **quoting.arguments)
    header: list[str] = []
    rows: list[tuple[int, list[str]]] = []
    odd: list[tuple[int, list[str]]] = []
    spans: list[tuple[int, int]] = []
    before = 0
    try:
        for fields in reader:
            begin, before = before + 1, reader.line_num
            if not header:
                header = fields if "".join(fields).strip() else []
                continue
            if len(header) == 1:
                # Of a file with one column an empty line is a row with nothing in it.
                fields = fields or [""]
            elif len(fields) < 2 and not "".join(fields).strip():
                continue
            (rows if len(fields) == len(header) else odd).append((begin, fields))
            if before > begin:
                spans.append((begin, before))
            if most is not None and len(rows) + len(odd) >= most:
                break
    except csv.Error:
        return Parsed(header, rows, odd, before + 1, spans)
    return Parsed(header, rows, odd, None, spans)
