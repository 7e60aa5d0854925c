"""Rows of delimited text, such as CSV and TSV: which delimiter, and what its quotes mean, is found out and said."""

from __future__ import annotations

import re
from collections.abc import Collection

from autopeft.errors import DataError
from autopeft.tasks.tables.dialect import BACKSLASH, DELIMITERS, PLAIN, STANDARD, WORDS, Parsed, parse
from autopeft.tasks.tables.header import header_of
from autopeft.tasks.tables.quoting import fault, long_texts, mostly_wrapped, parsed
from autopeft.tasks.tables.table import Row, Table

__all__ = ["read_delimited"]

#: Lines by which the delimiter is chosen.
_LOOKED_AT = 200

#: What Excel writes in a line of its own for its own use.
_SEPARATOR = re.compile(r"sep=(.)[ \t]*(?=\r|\n)", re.IGNORECASE)

_MARK = "\ufeff"


def read_delimited(source: str, text: str, usual: str, named: Collection[str]) -> Table:
    """Read delimited text whose first line names the columns.

    Args:
        source: Where the text comes from, for messages.
        text: The text.
        usual: The delimiter that the file's ending stands for.
        named: Names of columns that the user expects, which tell the delimiter where they are in the first line.

    Raises:
        DataError: When rows have other numbers of fields than the first line, or a quote is not closed; names lines.
    """
    if not text.strip():
        raise DataError(f"data file '{source}' is empty; expected a first line with the names of the columns")
    notes = []
    if "\r" in text and "\n" not in text:
        notes.append("lines end in carriage returns alone")
    told = _SEPARATOR.match(text)
    if told:
        # Its line stays, empty, so that the others keep their numbers.
        text = text[told.end() :]
        notes.append(f"line 1 says that fields are separated by '{told[1]}'")
    delimiter = told[1] if told else _delimiter(text, usual, named)
    if delimiter is None:
        return _single_column(source, text, notes)
    if delimiter != usual and not told:
        notes.append(f"fields are separated by {WORDS[delimiter]}")
    found, said = parsed(source, text, delimiter)
    columns, more, repeated = header_of(found.header)
    rows, again = _without_headers(found)
    _check_rule(source, rows, delimiter)
    return Table(
        source,
        tuple(dict.fromkeys(columns)),
        [(f"line {line}", dict(zip(columns, fields, strict=True))) for line, fields in rows],
        (*notes, *said, *again, *more),
        repeated=repeated,
    )


def _delimiter(text: str, usual: str, named: Collection[str]) -> str | None:
    """Choose the delimiter: the one by which all rows have as many fields, or by which the columns are as named.

    Returns:
        One of `DELIMITERS`; None where the first line holds no delimiter, and so has one column.
    """
    order = [usual, *(each for each in DELIMITERS if each != usual)]
    heads = {each: _head(text, each) for each in order}
    if all(len(head.header) == 1 for head in heads.values()):
        return None
    for each in order:
        header = [cell.strip() for cell in heads[each].header]
        if len(header) > 1 and named and set(named) <= set(header):
            return each
    plain = {each: parse(text, each, PLAIN, most=_LOOKED_AT) for each in order}
    even = [each for each in order if len(heads[each].header) > 1 and (heads[each].even or plain[each].even)]
    several = [each for each in order if len(heads[each].header) > 1]
    return (even or several)[0]


def _head(text: str, delimiter: str) -> Parsed:
    """Return the first rows by what quotes may mean, at least in the first line."""
    styles = (parse(text, delimiter, quoting, most=_LOOKED_AT) for quoting in (STANDARD, BACKSLASH, PLAIN))
    return next(found for found in styles if found.header)


def _single_column(source: str, text: str, notes: list[str]) -> Table:
    """Read a file of one column: quoted as CSV has it, else each line as it stands."""
    quoted = (parse(text, delimiter, STANDARD) for delimiter in DELIMITERS)
    found = next((each for each in quoted if each.even), None)
    if found is None:
        found = parse(text, "\0", PLAIN)
        if mostly_wrapped(found):
            raise fault(source, parse(text, ",", STANDARD), ",")
        notes.append("one column: delimiters and quotes in it belong to the texts")
    notes += long_texts(found)
    columns, more, _ = header_of(found.header)
    rows: list[Row] = [(f"line {line}", {columns[0]: cell}) for line, [cell] in found.rows]
    return Table(source, columns, rows, (*notes, *more))


def _without_headers(found: Parsed) -> tuple[list[tuple[int, list[str]]], list[str]]:
    """Leave out the lines that name the columns again, as files that were put together have them."""
    names = [cell.strip() for cell in found.header]
    again = [line for line, fields in found.rows if [cell.strip(f" {_MARK}") for cell in fields] == names]
    if not again:
        return found.rows, []
    rows = [(line, fields) for line, fields in found.rows if line not in set(again)]
    shown = ", ".join(map(str, again[:5])) + (", ..." if len(again) > 5 else "")
    return rows, [f"the names of the columns stand again in line {shown}, which is no row"]


def _check_rule(source: str, rows: list[tuple[int, list[str]]], delimiter: str) -> None:
    """Refuse a table of Markdown, whose second line is a rule."""
    if delimiter == "|" and rows and all(re.fullmatch(r"\s*:?-*:?\s*", cell) for cell in rows[0][1]):
        raise DataError(
            f"data file '{source}', line {rows[0][0]}: found the rule of a Markdown table; save the table as CSV"
        )
