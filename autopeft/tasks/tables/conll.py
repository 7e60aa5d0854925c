"""Words with tags as the CoNLL shared tasks have them: a word and its tag a line, a blank line after each sentence."""

from __future__ import annotations

import re
from collections.abc import Sequence

from autopeft.errors import DataError
from autopeft.tasks.tables.cells import is_missing
from autopeft.tasks.tables.table import Row, Table

__all__ = ["CONLL_COLUMNS", "read_conll"]

#: The columns of the table that is made of them; a row is a sentence.
CONLL_COLUMNS = ("tokens", "tags")

_LINE_END = re.compile("\r\n|\n|\r")
_BLANKS = re.compile("[ \t]+")
_DOCUMENT = "-DOCSTART-"
_COMMENT = "# "


def read_conll(source: str, text: str) -> Table:
    """Read sentences: on each line a word, blanks or tabs, and in the last column its tag.

    Args:
        source: Where the text comes from, for messages.
        text: All of it.

    Returns:
        A table of `CONLL_COLUMNS`, both lists. Lines between documents, and comments before a sentence, are left out
        and noted.

    Raises:
        DataError: When a line has no tag, or other columns than those before it.
    """
    raw = _LINE_END.split(text)
    lines = [_columns(line) for line in raw]
    # `# O` may be a word with its tag, like others.
    like = {(len(columns), columns[-1]) for columns, line in zip(lines, raw, strict=True) if columns and line[0] != "#"}
    comments = {
        number
        for number, (columns, line) in enumerate(zip(lines, raw, strict=True), 1)
        if line.startswith(_COMMENT) and (len(columns), columns[-1]) not in like
    }
    rows: list[Row] = []
    words: list[str] = []
    tags: list[str] = []
    begun = 0
    documents: list[int] = []
    left_out: list[int] = []
    usual = 0
    for number, columns in enumerate([*lines, []], 1):
        if not columns or columns[0] == _DOCUMENT:
            if words:
                rows.append((f"line {begun}", dict(zip(CONLL_COLUMNS, (words, tags), strict=True))))
                words, tags = [], []
            if columns:
                documents.append(number)
            continue
        if not words and number in comments:
            left_out.append(number)
            continue
        usual = usual or len(columns)
        _check(source, number, columns, usual)
        begun = begun if words else number
        words.append(columns[0])
        tags.append(columns[-1])
    notes = [f"each of its {len(rows):,} rows is a sentence: words from the first column, tags from the last"]
    notes += _left_out(documents, f"{_DOCUMENT} between documents")
    notes += _left_out(left_out, "a comment, as it begins with '# ' before a sentence")
    return Table(source, CONLL_COLUMNS, rows, tuple(notes))


def _columns(line: str) -> list[str]:
    """Return the columns of a line: parted by tabs where there are some; none of a line that shows nothing."""
    if is_missing(line):
        return []
    # Blanks beyond ASCII may be words.
    return [cell.strip(" ") for cell in line.split("\t")] if "\t" in line else _BLANKS.split(line.strip(" "))


def _check(source: str, number: int, columns: Sequence[str], usual: int) -> None:
    where = f"data file '{source}', line {number}"
    shown = " ".join(columns)[:60]
    if len(columns) < 2 or not columns[0] or not columns[-1]:
        raise DataError(
            f"{where}: found '{shown}'; expected a word and its tag, with blanks or a tab between them, and a blank "
            "line between sentences"
        )
    if len(columns) != usual:
        raise DataError(
            f"{where}: found {len(columns)} columns in '{shown}', and {usual} in the lines before; expected as many in "
            "each, the word first and its tag last"
        )


def _left_out(numbers: Sequence[int], what: str) -> list[str]:
    if not numbers:
        return []
    lines = (
        f"line {numbers[0]}" if len(numbers) == 1 else f"{len(numbers):,} lines, the first of them line {numbers[0]}"
    )
    return [f"left out, for it is no sentence: {lines} ({what})"]
