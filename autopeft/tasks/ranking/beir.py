"""Collections in the layout of BEIR (Thakur et al. 2021): a corpus, queries, and judgements of each split."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from autopeft.errors import DataError
from autopeft.tasks.intake import Intake, Ledger
from autopeft.tasks.ranking.apart import GRADES, Judgement, grade_of, kept_apart
from autopeft.tasks.ranking.collection import Collection
from autopeft.tasks.tables import Row, Table, is_missing, kind_in_words, mended, read_source, text_of
from autopeft.tasks.tables.decoding import decode

__all__ = ["is_beir", "read_beir"]

#: What files of judgements are called, by split.
_QRELS = {"train": ("train",), "validation": ("dev", "validation", "valid"), "test": ("test",)}

#: The columns of a file of judgements.
_COLUMNS = ("query-id", "corpus-id", "score")

#: A line of one, for messages.
_LINE = f"three cells between tabs, query-id, corpus-id and score, the last {GRADES}"


def is_beir(path: Path | None) -> bool:
    """Tell whether a folder holds a corpus and queries as BEIR has them."""
    return path is not None and path.is_dir() and all(_file(path, name) for name in ("corpus", "queries"))


def read_beir(path: Path) -> Collection:
    """Read a folder.

    Raises:
        DataError: When a file is lacking or broken, or names what others do not have.
    """
    files = {split: file for split in _QRELS if (file := _qrels(path, split))}
    if "train" not in files:
        raise DataError(
            f"'{path}' has a corpus and queries, but no judgements to train on: expected qrels/train.tsv with the "
            f"columns {', '.join(_COLUMNS)}"
        )
    documents, of_documents = _texts(path, "corpus", ("title", "text"))
    queries, of_queries = _texts(path, "queries", ("text",))
    tables = {split: _table(file, f"{path}/qrels/{file.name}") for split, file in files.items()}
    ledgers = {split: Ledger(table, _COLUMNS) for split, table in tables.items()}
    given = {
        split: [*_of_texts(_judgements(table, queries, documents), queries, ledgers[split])]
        for split, table in tables.items()
    }
    judged = kept_apart(given, ledgers, lambda split: f"'{tables[split].source}'", drops=True)
    asked = {query for found in judged.values() for query in found}
    for name, (place, text) in queries.items():
        if text and name not in asked:
            of_queries.drop(place, "no document is judged relevant to it")
    intake: dict[str, Intake] = {split: ledger.close() for split, ledger in ledgers.items()}
    intake |= {"queries": of_queries.close(), "corpus": of_documents.close()}
    return Collection(
        {name: text for name, (_, text) in documents.items()},
        {name: text for name, (_, text) in queries.items() if text},
        judged,
        intake,
    )


def _file(path: Path, name: str) -> Path | None:
    return next((file for end in ("", ".gz") if (file := path / f"{name}.jsonl{end}").is_file()), None)


def _qrels(path: Path, split: str) -> Path | None:
    found = [file for name in _QRELS[split] if (file := path / "qrels" / f"{name}.tsv").is_file()]
    if len(found) > 1:
        raise DataError(f"'{path}' has several qrels of {split}: {', '.join(file.name for file in found)}; keep one")
    return found[0] if found else None


def _texts(path: Path, name: str, columns: tuple[str, ...]) -> tuple[dict[str, tuple[str, str]], Ledger]:
    """Return the texts of a file with where they stand, by id, and the account of its rows."""
    file = _file(path, name)
    assert file is not None
    [table] = read_source(file).values()
    ledger = Ledger(table, ("_id", *columns))
    found: dict[str, tuple[str, str]] = {}
    for place, row in table.rows:
        key = None if is_missing(row.get("_id")) else text_of(row["_id"])
        if key is None:
            ledger.drop(place, "it has no '_id'")
            continue
        parts = [_part(table.source, place, column, row.get(column)) for column in columns]
        text = " ".join(part for part in parts if part)
        if key in found:
            raise DataError(
                f"'{table.source}', {place}: the _id {key!r} stands in {found[key][0]} already; give each its own"
            )
        if not text:
            say = ledger.drop if name == "queries" else ledger.remark
            say(place, "its text is empty")
        found[key] = (place, text)
    if not found:
        raise DataError(f"'{table.source}' holds no {name}; expected rows with _id and {' and '.join(columns)}")
    return found, ledger


def _part(source: str, place: str, column: str, value: Any) -> str:
    if is_missing(value):
        return ""
    text = text_of(value)
    if text is None:
        raise DataError(f"'{source}', {place}: '{column}' holds {kind_in_words(value)}; expected text")
    return mended(text.strip())


def _table(file: Path, source: str) -> Table:
    """Return the lines of a file of judgements as rows of text."""
    text, notes = decode(file.read_bytes(), source)
    rows: list[Row] = []
    for number, line in enumerate(text.split("\n"), 1):
        cells = line.rstrip("\r").split("\t")
        if not line.strip() or (number == 1 and cells[-1].strip() == _COLUMNS[-1]):
            continue
        if len(cells) != len(_COLUMNS):
            raise DataError(f"'{source}', line {number}: found {line[:80]!r}; expected {_LINE}")
        rows.append((f"line {number}", dict(zip(_COLUMNS, map(str.strip, cells), strict=True))))
    return Table(source, _COLUMNS, rows, tuple(notes))


def _of_texts(found: Iterable[Judgement], queries: dict[str, Any], ledger: Ledger) -> Iterator[Judgement]:
    """Yield the judgements for queries that have a text."""
    for each in found:
        if queries[each.query][1]:
            yield each
        else:
            ledger.drop(each.place, "the text of its query is empty")


def _judgements(table: Table, queries: dict[str, Any], documents: dict[str, Any]) -> Iterator[Judgement]:
    for place, row in table.rows:
        query, document, score = (row[column] for column in _COLUMNS)
        for name, known, file in ((query, queries, "queries"), (document, documents, "corpus")):
            if name not in known:
                raise DataError(f"'{table.source}', {place}: found {name!r}, which no row of {file}.jsonl has as _id")
        grade = grade_of(score)
        if grade is None:
            raise DataError(f"'{table.source}', {place}: found the score {score!r}; expected {_LINE}")
        yield Judgement(place, query, document, grade)
