"""Collections of tables whose rows hold a query, a document and how relevant it is."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from autopeft.errors import DataError
from autopeft.tasks.intake import Ledger
from autopeft.tasks.ranking.apart import GRADES, Judgement, grade_of, kept_apart
from autopeft.tasks.ranking.collection import Collection
from autopeft.tasks.rows import check_columns
from autopeft.tasks.tables import Row, Table, is_missing, kind_in_words, mended, text_of

__all__ = ["MEND", "read_judged_rows", "text_in"]

#: How other columns are named.
MEND = "Name the columns with --query, --document and --relevance"


def read_judged_rows(tables: Mapping[str, Table], columns: Sequence[str]) -> Collection:
    """Return the collection of all documents that stand in tables, and the judgements of each split.

    Args:
        tables: `train`, and perhaps others.
        columns: The columns of the query, the document and its relevance.

    Raises:
        DataError: When a column is lacking, or a relevance is no whole number.
    """
    documents: dict[str, str] = {}
    queries: dict[str, str] = {}
    given: dict[str, list[Judgement]] = {}
    ledgers: dict[str, Ledger] = {}
    for split, table in tables.items():
        check_columns(table, columns, MEND)
        ledger = ledgers[split] = Ledger(table, columns)
        given[split] = []
        for row in table.rows:
            texts = _texts(row, columns[:2], ledger)
            if texts is None:
                continue
            query, document = texts
            if is_missing(row[1].get(columns[2])):
                ledger.drop(row[0], f"'{columns[2]}' is empty")
                continue
            grade = _grade(table.source, row[0], row[1][columns[2]])
            name = hashlib.sha256(document.encode()).hexdigest()[:16]
            documents[name], queries[query] = document, query
            given[split].append(Judgement(row[0], query, name, grade))
    judged = kept_apart(given, ledgers, lambda split: f"'{tables[split].source}'", drops=False)
    return Collection(documents, queries, judged, {split: ledger.close() for split, ledger in ledgers.items()})


def _texts(row: Row, columns: Sequence[str], ledger: Ledger) -> list[str] | None:
    place, values = row
    found = []
    for column in columns:
        value = values.get(column)
        text = text_in(values, column)
        if text is None:
            reason = "is empty" if is_missing(value) else f"holds {kind_in_words(value)}, not text"
            ledger.drop(place, f"'{column}' {reason}")
            return None
        found.append(text)
    return found


def text_in(values: Mapping[str, Any], column: str) -> str | None:
    """Return what a column of a row says, as queries and documents are known; None where it says nothing."""
    value = values.get(column)
    text = None if is_missing(value) else text_of(value)
    return None if text is None else mended(text.strip())


def _grade(source: str, place: str, value: Any) -> int:
    """Return a relevance, which is a whole number or says yes or no."""
    text = text_of(value)
    if isinstance(value, bool):
        return int(value)
    grade = None if text is None else grade_of(text)
    if grade is None:
        raise DataError(
            f"'{source}', {place}: the relevance is {text if text is not None else kind_in_words(value)!r}; expected "
            f"{GRADES}, 0 for a document that is not relevant"
        )
    return grade
