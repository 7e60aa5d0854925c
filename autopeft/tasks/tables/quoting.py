"""What quotes mean in a delimited text: marks around texts, or part of them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from autopeft.errors import DataError
from autopeft.tasks.tables.dialect import BACKSLASH, PLAIN, SPACED, STANDARD, WORDS, Parsed, parse
from autopeft.tasks.tables.swallowed import swallowed

__all__ = ["fault", "long_texts", "mostly_wrapped", "parsed"]

#: So many lines are named in a message.
_NAMED = 5

#: A reading with more odd rows than this share is not the one that was meant.
_FEW = 0.05

_BACKSLASHES = "quotes within texts are marked by backslashes"


def parsed(source: str, text: str, delimiter: str) -> tuple[Parsed, list[str]]:
    """Return the rows by what quotes mean in the text, and what there is to say of that.

    Args:
        source: Where the text comes from, for messages.
        text: The text.
        delimiter: What separates fields.

    Raises:
        DataError: When no reading gives all rows as many fields as the first line has; names lines.
    """
    standard, spaced = _standard(text, delimiter)
    if '"' not in text and standard.even:
        return standard, []
    plain = parse(text, delimiter, PLAIN)
    marked = parse(text, delimiter, BACKSLASH) if '\\"' in text else standard
    unmarked = delimiter == "\t" and plain.even and not mostly_wrapped(plain)
    if marked.even and not standard.even and not unmarked:
        return marked, [_BACKSLASHES]
    # Files with tabs mostly have quotes that mean nothing (GLUE's do).
    if delimiter == "\t" and plain.even and not (standard.even and _is_quoted(standard, plain)):
        wrapped = standard.even and standard.rows != plain.rows
        return plain, ["quotes belong to the texts"] if wrapped else []
    if standard.even:
        # Who quotes the names of the columns quotes texts too.
        suspects = swallowed(text, delimiter, standard) if standard.header == plain.header else []
        if not suspects:
            return standard, spaced + long_texts(standard)
        if plain.even and not mostly_wrapped(plain):
            return plain, [f"quotes mean nothing: line {suspects[0]} begins a text with one that nothing closes"]
        raise DataError(
            f"data file '{source}', line {suspects[0]}: a quote opens a text and closes lines below, over what look "
            "like whole rows; close it where the text ends, or double it if it belongs to the text"
        )
    if plain.even and not mostly_wrapped(plain):
        line = standard.fault_line or standard.odd[0][0]
        return plain, [f"quotes mean nothing: line {line} has one that nothing closes"]
    for style in (standard, plain):
        shifted, how = _shifted(style, text, delimiter)
        if shifted is not None:
            return shifted, how
    raise fault(source, _meant(standard, marked, plain), delimiter)


def _standard(text: str, delimiter: str) -> tuple[Parsed, list[str]]:
    """Read quotes as marks, blanks between delimiter and quote left out where there are such."""
    found = parse(text, delimiter, STANDARD)
    if not re.search(re.escape(delimiter) + ' +"', text):
        return found, []
    spaced = parse(text, delimiter, SPACED)
    # A text may begin with a blank and then a quote of its own.
    if not spaced.even or (found.even and not mostly_wrapped(parse(text, delimiter, PLAIN))):
        return found, []
    return spaced, ["blanks between delimiters and quotes left out"]


def _meant(standard: Parsed, marked: Parsed, plain: Parsed) -> Parsed:
    """Return the reading that was most likely meant: the one that goes wrong least, or last."""
    whole = [found for found in (standard, marked) if found.fault_line is None]
    if whole:
        return min(whole, key=lambda found: len(found.odd))
    quoted = any(field.startswith('"') for _, fields in plain.odd for field in fields)
    if len(plain.odd) <= max(1, _FEW * len(plain.rows)) and not quoted and not mostly_wrapped(plain):
        return plain
    return max(standard, marked, key=lambda found: found.fault_line or math.inf)


def mostly_wrapped(plain: Parsed) -> bool:
    """Tell whether most rows with a quote before a field have as many behind fields: quotes are then marks."""
    rows = [[field.strip() for field in fields] for _, fields in plain.all_rows]
    opened = [fields for fields in rows if any(field.startswith('"') for field in fields)]
    closed = [
        fields
        for fields in opened
        if sum(field.startswith('"') for field in fields) == sum(field.endswith('"') for field in fields)
    ]
    return 2 * len(closed) > len(opened)


def _is_quoted(standard: Parsed, plain: Parsed) -> bool:
    """Tell whether quotes are marks: one is doubled, holds a delimiter or a line end, or all of a column have them."""
    if len(standard.rows) != len(plain.rows) or standard.header != plain.header:
        return True
    columns = [
        [(one[number], other[number]) for (_, one), (_, other) in zip(standard.rows, plain.rows, strict=True)]
        for number in range(len(standard.header))
    ]
    return any(
        all(one != other for one, other in column) or any('"' in one and one != other for one, other in column)
        for column in columns
        if column
    )


def _shifted(found: Parsed, text: str, delimiter: str) -> tuple[Parsed | None, list[str]]:
    """Understand rows that all have one field more than the first line: an empty last one, or an index in front."""
    width = len(found.header)
    rows = found.all_rows
    if found.fault_line is not None or not found.odd or any(len(fields) != width + 1 for _, fields in rows):
        return None, []
    wide = Parsed([*found.header, ""], rows, [], None, found.spans)
    if swallowed(text, delimiter, wide):
        return None, []
    if all(not fields[-1].strip() for _, fields in rows):
        kept = [(line, fields[:-1]) for line, fields in rows]
        return Parsed(found.header, kept, [], None, found.spans), ["each row ends with a delimiter"]
    firsts = [fields[0].strip() for _, fields in rows]
    # Else it may be a part of texts that all hold a delimiter.
    if len(set(firsts)) == len(firsts) and all(first.isdecimal() for first in firsts):
        return (
            Parsed(["", *found.header], rows, [], None, found.spans),
            ["the first line has a name less than the rows have fields: their first is taken as an index"],
        )
    return None, []


def long_texts(found: Parsed) -> list[str]:
    """Say how many texts go over several lines: a stray quote would make one."""
    if not found.spans:
        return []
    first, last = max(found.spans, key=lambda span: span[1] - span[0])
    count = f"{len(found.spans):,} rows go" if len(found.spans) > 1 else "1 row goes"
    return [f"{count} over several lines, the longest from line {first} to line {last}"]


def fault(source: str, found: Parsed, delimiter: str) -> DataError:
    """Return what is wrong with a file whose rows cannot be told."""
    if found.fault_line is not None:
        return DataError(
            f"data file '{source}', line {found.fault_line}: a quote opens a text there and is not closed where the "
            "text ends; close it, or double it if it belongs to the text"
        )
    named = ", ".join(f"line {line} has {len(fields)}" for line, fields in found.odd[:_NAMED])
    more = f" and {len(found.odd) - _NAMED:,} more rows" if len(found.odd) > _NAMED else ""
    mend = (
        "is there a tab, or a line end, in a text?"
        if delimiter == "\t"
        else f'quote texts that hold {WORDS[delimiter]} or line ends, by the sign "'
    )
    line, fields = found.odd[0]
    return DataError(
        f"data file '{source}', line {line}: found {_counted(fields)}, expected {len(found.header)} as in the first "
        f"line ({named}{more}); {mend}"
    )


def _counted(fields: Sequence[str]) -> str:
    return f"{len(fields)} field{'s' * (len(fields) != 1)}"
