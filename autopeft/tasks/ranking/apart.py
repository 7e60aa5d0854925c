"""Judgements of several splits, of which each query is kept in one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from autopeft.errors import DataError
from autopeft.tasks.intake import Ledger

__all__ = ["GRADES", "Judgement", "grade_of", "kept_apart"]

#: Grades beyond are no grades; trec_eval counts how often there is each.
_MOST = 1000

#: What grades there are, for messages.
GRADES = f"a whole number of {-_MOST:,} to {_MOST:,}"


@dataclass(frozen=True)
class Judgement:
    """How relevant a document is to a query.

    Args:
        place: Where that stands.
        query: Name of the query.
        document: Name of the document.
        grade: How relevant; 0 or less is not.
    """

    place: str
    query: str
    document: str
    grade: int


def grade_of(text: str) -> int | None:
    """Return the grade that a text says; None where it says none."""
    try:
        number = float(text)
    except ValueError:
        return None
    return int(number) if number.is_integer() and abs(number) <= _MOST else None


def kept_apart(
    given: Mapping[str, Iterable[Judgement]],
    ledgers: Mapping[str, Ledger],
    source: Callable[[str], str],
    *,
    drops: bool,
) -> dict[str, dict[str, dict[str, int]]]:
    """Return the judgements by split and query.

    A query that is judged in several splits stays in test, else in validation: it is train that gives way. Queries
    without a relevant document are left out, as no order of documents is better than another for them.

    Args:
        given: The judgements by split.
        ledgers: The accounts of their rows, by split.
        source: Returns what a split's source is called.
        drops: Whether rows that say nothing of a query are of no use; else their documents are.

    Raises:
        DataError: When a document is judged in two ways.
    """
    found: dict[str, dict[str, dict[str, int]]] = {}
    taken: dict[str, str] = {}
    for split in sorted(given, key=["test", "validation", "train"].index):
        by_query: dict[str, dict[str, int]] = {}
        places: dict[str, list[str]] = {}
        say = ledgers[split].drop if drops else ledgers[split].remark
        for each in given[split]:
            if each.query in taken:
                say(each.place, f"its query is one of {taken[each.query]}")
                continue
            grades = by_query.setdefault(each.query, {})
            known = grades.setdefault(each.document, each.grade)
            if known != each.grade:
                raise DataError(
                    f"{source(split)}, {each.place}: a document is judged {each.grade} for a query, and {known} before "
                    f"it; expected one judgement (query: {each.query!r})"
                )
            places.setdefault(each.query, []).append(each.place)
        for query, grades in by_query.items():
            if max(grades.values()) <= 0:
                for place in places[query]:
                    say(place, "no document is relevant to its query")
        found[split] = {query: grades for query, grades in by_query.items() if max(grades.values()) > 0}
        taken |= dict.fromkeys(by_query, split)
    return {split: found[split] for split in given}
