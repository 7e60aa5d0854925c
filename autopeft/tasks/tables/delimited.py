"""Rows of delimited text, such as CSV and TSV: which delimiter, and what its quotes mean, is found out and said."""

from __future__ import annotations

import io
import math
from collections.abc import Collection, Sequence

from autopeft.errors import DataError
from autopeft.tasks.tables.dialect import BACKSLASH, DELIMITERS, PLAIN, STANDARD, Parsed, parse
from autopeft.tasks.tables.header import header_of
from autopeft.tasks.tables.swallowed import swallowed
from autopeft.tasks.tables.table import Row, Table

__all__ = ["read_delimited"]

#: Lines by which the delimiter is chosen.
_LOOKED_AT = 200

#: So many lines are named in a message.
_NAMED = 5

_WORDS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}


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
    delimiter = _delimiter(text, usual, named)
    if delimiter is None:
        return _single_column(source, text, notes)
    if delimiter != usual:
        notes.append(f"fields are separated by {_WORDS[delimiter]}")
    parsed, said = _parsed(source, text, delimiter)
    columns, more, repeated = header_of(parsed.header)
    rows: list[Row] = [(f"line {line}", dict(zip(columns, fields, strict=True))) for line, fields in parsed.rows]
    return Table(source, tuple(dict.fromkeys(columns)), rows, (*notes, *said, *more), repeated=repeated)


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
        if any(line.startswith('"') for line in io.StringIO(text, newline="")):
            raise _fault(source, parse(text, ",", STANDARD), ",")
        notes.append("one column: delimiters in it belong to the texts")
        found = parse(text, "\0", PLAIN)
    notes += _long_texts(found)
    columns, more, _ = header_of(found.header)
    return Table(
        source, columns, [(f"line {line}", {columns[0]: cell}) for line, [cell] in found.rows], (*notes, *more)
    )


def _parsed(source: str, text: str, delimiter: str) -> tuple[Parsed, list[str]]:
    """Return the rows by what quotes mean in the file, and what there is to say of that."""
    standard = parse(text, delimiter, STANDARD)
    if '"' not in text and standard.even:
        return standard, []
    plain = parse(text, delimiter, PLAIN)
    marked = parse(text, delimiter, BACKSLASH) if '\\"' in text else standard
    if marked.even and not standard.even and (delimiter != "\t" or _mostly_wrapped(plain)):
        return marked, ["quotes within texts are marked by backslashes"]
    # Files with tabs mostly have quotes that mean nothing (GLUE's do).
    if delimiter == "\t" and plain.even and not (standard.even and _is_quoted(standard, plain)):
        wrapped = standard.even and standard.rows != plain.rows
        return plain, ["quotes belong to the texts"] if wrapped else []
    if standard.even:
        suspects = swallowed(text, delimiter, standard)
        if not suspects:
            return standard, _long_texts(standard)
        if plain.even and not _mostly_wrapped(plain):
            return plain, [f"quotes mean nothing: line {suspects[0]} begins a text with one that nothing closes"]
        raise DataError(
            f"data file '{source}', line {suspects[0]}: a quote opens a text and closes lines below, over what look "
            "like whole rows; close it where the text ends, or double it if it belongs to the text"
        )
    if plain.even and not _mostly_wrapped(plain):
        line = standard.fault_line or standard.odd[0][0]
        return plain, [f"quotes mean nothing: line {line} has one that nothing closes"]
    for style in (standard, plain):
        shifted, how = _shifted(style)
        if shifted is not None:
            return shifted, how
    unmarked = delimiter == "\t" and not _mostly_wrapped(plain)
    # What goes wrong last is most likely what was meant.
    likely = plain if unmarked else max(standard, marked, key=lambda found: found.fault_line or math.inf)
    raise _fault(source, likely, delimiter)


def _mostly_wrapped(plain: Parsed) -> bool:
    """Tell whether most rows with a quote before a field have as many behind fields: quotes are then marks."""
    opened = [fields for _, fields in plain.all_rows if any(field.startswith('"') for field in fields)]
    closed = [
        fields
        for fields in opened
        if sum(field.startswith('"') for field in fields) == sum(field.endswith('"') for field in fields)
    ]
    return 2 * len(closed) > len(opened)


def _is_quoted(standard: Parsed, plain: Parsed) -> bool:
    """Tell whether quotes are marks: one is doubled, holds a delimiter or a line end, or all fields have them."""
    if len(standard.rows) != len(plain.rows):
        return True
    pairs = [
        (one, other)
        for (_, a), (_, b) in zip(standard.rows, plain.rows, strict=True)
        for one, other in zip(a, b, strict=True)
    ]
    if any('"' in one and one != other for one, other in pairs):
        return True
    return standard.header != plain.header or all(one != other for one, other in pairs)


def _shifted(found: Parsed) -> tuple[Parsed | None, list[str]]:
    """Understand rows that all have one field more than the first line: an empty last one, or an index in front."""
    width = len(found.header)
    if found.fault_line is not None or not found.odd or any(len(fields) != width + 1 for _, fields in found.all_rows):
        return None, []
    if all(not fields[-1].strip() for _, fields in found.all_rows):
        rows = [(line, fields[:-1]) for line, fields in found.all_rows]
        return Parsed(found.header, rows, [], None, found.spans), ["each row ends with a delimiter"]
    firsts = [fields[0].strip() for _, fields in found.all_rows]
    # Else it may be a part of texts that all hold a delimiter.
    if len(set(firsts)) == len(firsts) and all(first.isdecimal() for first in firsts):
        return (
            Parsed(["", *found.header], found.all_rows, [], None, found.spans),
            ["the first line has a name less than the rows have fields: their first is taken as an index"],
        )
    return None, []


def _long_texts(found: Parsed) -> list[str]:
    """Say how many texts go over several lines: a stray quote would make one."""
    if not found.spans:
        return []
    first, last = max(found.spans, key=lambda span: span[1] - span[0])
    return [f"{len(found.spans):,} rows go over several lines, the longest from line {first} to line {last}"]


def _fault(source: str, found: Parsed, delimiter: str) -> DataError:
    """Return what is wrong with a file whose rows cannot be told."""
    if found.fault_line is not None:
        return DataError(
            f"data file '{source}', line {found.fault_line}: a quote opens a text there and is not closed where the "
            "text ends; close it, or double it if it belongs to the text"
        )
    width = len(found.header)
    named = ", ".join(f"line {line} has {len(fields)}" for line, fields in found.odd[:_NAMED])
    more = f" and {len(found.odd) - _NAMED:,} more rows" if len(found.odd) > _NAMED else ""
    mend = (
        "is there a tab, or a line end, in a text?"
        if delimiter == "\t"
        else f"quote texts that hold {_WORDS[delimiter]} or line ends"
    )
    where = f"line {found.odd[0][0]}"
    return DataError(
        f"data file '{source}', {where}: found {_fields(found.odd[0][1])}, expected {width} as in the first line "
        f"({named}{more}); {mend}"
    )


def _fields(fields: Sequence[str]) -> str:
    return f"{len(fields)} field{'s' * (len(fields) != 1)}"
