"""From the rows of tables to sentences: lists of words, each with the list of their tags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from autopeft.errors import DataError
from autopeft.tasks.intake import Intake, Ledger
from autopeft.tasks.rows import check_columns
from autopeft.tasks.tables import Table, is_missing, kind_in_words, mended, text_of
from autopeft.tasks.tokens.sentences import Sentences

__all__ = ["sentences_of", "tagged_sentences", "words_in"]

#: How other columns are named.
_MEND = "Name the column of the words by --text and that of their tags by --label"

_MENDED = "half a character replaced by \N{REPLACEMENT CHARACTER}"


def tagged_sentences(table: Table, words: str, tags: str) -> tuple[Sentences, Intake]:
    """Return the sentences of a table with their tags by name, and the account of its rows.

    Args:
        table: The table.
        words: The column of the words.
        tags: The column of their tags; rows without any are left out.

    Raises:
        DataError: When a column is lacking, a cell holds no list, or there are more words than tags, or fewer.
    """
    check_columns(table, (words, tags), _MEND)
    ledger = Ledger(table, (words, tags))
    found: list[tuple[str, ...]] = []
    named: list[tuple[str, ...]] = []
    for place, row in table.rows:
        if _left_out(row, place, words, ledger) or _left_out(row, place, tags, ledger):
            continue
        where = f"'{table.source}', {place}"
        sentence = _words(row[words], f"{where}: '{words}'", place, ledger)
        labels = _tags(row[tags], f"{where}: '{tags}'")
        if len(sentence) != len(labels):
            raise DataError(
                f"{where}: found {len(sentence)} in '{words}' and {len(labels)} in '{tags}'; expected one tag for each "
                "word"
            )
        found.append(sentence)
        named.append(labels)
    return Sentences(found, named), ledger.close()


def sentences_of(table: Table, words: str) -> tuple[Sentences, list[int], Intake]:
    """Return the sentences of a table whose tags are asked for, the numbers of their rows, and the account of all.

    Args:
        table: The table.
        words: The column of the words: lists, or texts, whose words are parted by blanks.

    Raises:
        DataError: When the column is lacking, or a cell holds neither.
    """
    check_columns(table, (words,), "Name the column of the words by --text")
    ledger = Ledger(table, table.columns)
    found: list[tuple[str, ...]] = []
    numbers: list[int] = []
    for number, (place, row) in enumerate(table.rows):
        if _left_out(row, place, words, ledger):
            continue
        value = row[words]
        if not isinstance(value, list):
            value = words_in(value, f"'{table.source}', {place}: '{words}'")
            ledger.remark(place, "a text, taken as the words between its blanks")
        found.append(_words(value, f"'{table.source}', {place}: '{words}'", place, ledger))
        numbers.append(number)
    return Sentences(found, [(0,) * len(sentence) for sentence in found]), numbers, ledger.close()


def words_in(text: Any, where: str = "the input") -> list[str]:
    """Return the words of a text: what stands between its blanks.

    Raises:
        DataError: When it is no text.
    """
    found = text_of(text)
    if found is None:
        raise DataError(f"{where} holds {kind_in_words(text)}; expected a list of words, or a text")
    return found.split()


def _left_out(row: Mapping[str, Any], place: str, column: str, ledger: Ledger) -> bool:
    """Tell whether a row is left out, for a cell holds nothing; say so."""
    value = row.get(column)
    if is_missing(value) or value == []:
        ledger.drop(place, f"'{column}' is empty")
        return True
    # Published test splits often hide their tags.
    if isinstance(value, list) and all(each is None for each in value):
        ledger.drop(place, f"'{column}' names nothing")
        return True
    return False


def _words(value: Any, where: str, place: str, ledger: Ledger) -> tuple[str, ...]:
    words = [mended(word) for word in _texts(value, where, "word")]
    if words != value and any(isinstance(word, str) and word != mended(word) for word in value):
        ledger.remark(place, _MENDED)
    return tuple(words)


def _tags(value: Any, where: str) -> tuple[str, ...]:
    tags = [mended(tag).strip() for tag in _texts(value, where, "tag")]
    if "" in tags:
        raise DataError(f"{where}: tag {tags.index('') + 1} is empty; expected a name, as 'O' of words in no entity")
    return tuple(tags)


def _texts(value: Any, where: str, what: str) -> Sequence[str]:
    if not isinstance(value, list):
        raise DataError(f"{where} holds {kind_in_words(value)}; expected a list with one {what} for each word")
    found = []
    for number, each in enumerate(value, 1):
        text = text_of(each)
        if text is None:
            raise DataError(f"{where}: {what} {number} is {kind_in_words(each)}; expected text")
        found.append(text)
    return found
