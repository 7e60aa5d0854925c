"""What kinds have in common whose data are queries, documents, and who judged which of these relevant."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from statistics import median
from typing import Any, ClassVar

from autopeft.errors import DataError
from autopeft.tasks.encoding import token_lengths
from autopeft.tasks.inputs import texts_given
from autopeft.tasks.intake import Intake
from autopeft.tasks.kind import Sample, TaskKind
from autopeft.tasks.overview import SHOWN, lengths_of
from autopeft.tasks.ranking.beir import is_beir, read_beir
from autopeft.tasks.ranking.collection import Collection
from autopeft.tasks.ranking.judged_rows import read_judged_rows, text_in
from autopeft.tasks.ranking.queries import Queries, Query
from autopeft.tasks.rows import check_columns, texts_of
from autopeft.tasks.source import Source
from autopeft.tasks.spec import TaskSpec
from autopeft.tasks.tables import Table, is_missing
from autopeft.tasks.task import Task

__all__ = ["Ranking", "sample_of"]

#: By so much more of documents a query ranking is another task.
_MORE = 1.25


class Ranking(TaskKind):
    """Queries and judged documents: `load` reads them, `built` makes a task of them."""

    layout = (
        "a folder as BEIR has it: corpus.jsonl (_id, title, text), queries.jsonl (_id, text) and qrels/train.tsv, "
        "dev.tsv, test.tsv (query-id, corpus-id, score); or rows with a query (--query, else 'query'), a document "
        "(--document, else 'document') and how relevant it is (--relevance, else 'relevance'; 0 is not)"
    )
    options: ClassVar[frozenset[str]] = frozenset({"query", "document", "relevance"})
    replaced = "the query"

    @abstractmethod
    def built(self, collection: Collection, spec: TaskSpec, metric: str, columns: tuple[str, str]) -> Task:
        """Make a task.

        Args:
            collection: The documents, queries and judgements.
            spec: What the user names.
            metric: The metric of the task.
            columns: Where query and document stand in rows.

        Raises:
            DataError: When the data cannot be used.
        """

    def layout_of(self, source: Source) -> str | None:
        """Take a folder with a corpus and queries."""
        return f"queries and a corpus as BEIR has them, {self.summary}" if is_beir(source.path) else None

    def recognise(self, source: Source) -> str | None:
        """Take rows with the three columns."""
        columns = _columns(source.spec)
        if not set(columns) <= set(source.columns):
            return None
        query, document, relevance = (f"'{column}'" for column in columns)
        return (
            f"queries of {query} with documents of {document} and how relevant they are of {relevance}, {self.summary}"
        )

    def load(self, source: Source) -> Task:
        """Read a collection, and make a task of it."""
        spec = source.spec
        columns = _columns(spec)
        if is_beir(source.path):
            assert source.path is not None
            strange = [name for name in ("validation", "test", "group", *spec.columns) if getattr(spec, name)]
            if strange:
                raise DataError(
                    f"'{source.name}' has its splits and columns in its files; leave "
                    f"{' and '.join(f'--{name}' for name in strange)} out"
                )
            collection = read_beir(source.path)
        else:
            collection = read_judged_rows(source.tables, columns)
        metric = spec.metric or self.usual
        self.check_metric(metric, None)
        return self.built(collection, spec, metric, columns[:2])

    def digested(self, task: Task) -> Iterator[bytes]:
        """Yield how documents are scored, the queries of each split with their documents, and the texts of these."""
        yield json.dumps(self.remembered(task.schema), sort_keys=True).encode()
        used: set[str] = set()
        for name, split in task.splits.items():
            yield f"\n{name}\n".encode()
            for query in split.queries:
                used.update(query.documents)
                facts = [query.text, query.documents, query.grades, query.missed, query.elsewhere]
                yield json.dumps(facts).encode() + b"\n"
        for name in sorted(used):
            yield json.dumps([name, task.train.corpus[name]]).encode() + b"\n"

    def harder(self, task: Task) -> str:
        """Say that a query has more documents on one of the splits than on the other."""
        validation, test = (
            median(len(query.documents) for query in split.queries) for split in (task.validation, task.test)
        )
        if max(validation, test) < _MORE * min(validation, test):
            return ""
        return f"a query of validation has {validation:,.0f} documents to be ranked, and one of test {test:,.0f}"

    def overview(self, task: Task, tokenizer: Any) -> dict[str, Any]:
        """Return how long pairs are, and the documents of some queries with how relevant they are."""
        pairs = task.train.labelled()
        if tokenizer is None:
            lengths = lengths_of([sum(map(len, texts)) for texts in pairs.texts], "characters")
        else:
            lengths = lengths_of(token_lengths(pairs, tokenizer), "tokens")
        some = list(zip(pairs.texts, pairs.labels, strict=True))[:SHOWN]
        return {
            "lengths": lengths,
            "examples": [{"text": list(texts), "label": f"relevance {grade}"} for texts, grade in some],
        }

    def known_as(self, task: Task, schema: Any) -> Task:
        """Return a task whose documents are scored as what was trained does."""
        return replace(task, schema=replace(schema, columns=task.schema.columns))

    def inputs(self, split: Queries) -> Iterable[Any]:
        """Yield the queries."""
        return (query.text for query in split.queries)

    def cells(self, task: Task, table: Table, column: str) -> list[Any]:
        """Return for each training query what the first of its rows holds that holds anything there."""
        asked, found = task.schema.columns[0], dict[str | None, Any]()
        for _, row in table.rows:
            if not is_missing(row.get(column)):
                found.setdefault(text_in(row, asked), row[column])
        return [found.get(query.text) for query in task.train.queries]

    def with_column(self, split: Queries, cells: Sequence[str | None]) -> Queries:
        """Return queries in other words, with the same documents."""
        both = zip(split.queries, cells, strict=True)
        return replace(
            split, queries=[each if cell is None else replace(each, text=cell.strip()) for each, cell in both]
        )

    def nothing(self, schema: Any) -> Queries:
        """Return a split of no queries."""
        return Queries((), {})

    def asks(self, schema: Any) -> dict[str, str]:
        """Return the columns of query and document."""
        return dict(zip(("query", "document"), schema.columns, strict=True))

    def with_columns(self, schema: Any, columns: Sequence[str]) -> Any:
        """Return a schema whose queries and documents stand in other columns."""
        return replace(schema, columns=tuple(columns))

    def rows_of(self, schema: Any, inputs: Sequence[Any]) -> list[dict[str, Any]]:
        """Return pairs of a query and a document as rows."""
        return [dict(zip(schema.columns, texts, strict=True)) for texts in texts_given(inputs, 2)]

    def unlabelled(self, schema: Any, table: Table) -> tuple[Queries, list[int], Intake]:
        """Return the rows of a table, each a query with one document."""
        check_columns(table, schema.columns, "Name the columns with --query and --document")
        texts, numbers, intake = texts_of(table, schema.columns)
        corpus = {str(place): text[1] for place, text in enumerate(texts)}
        queries = [Query(text[0], (str(place),), (0,)) for place, text in enumerate(texts)]
        return Queries(queries, corpus), numbers, intake


def sample_of(kind: str) -> Sample:
    """Return what data of a kind looks like."""
    return Sample(
        "judged.jsonl",
        '{"query": "who wrote Ulysses", "document": "Ulysses is a novel by James Joyce.", "relevance": 1}\n'
        '{"query": "who wrote Ulysses", "document": "Ulysses Grant was a general.", "relevance": 0}\n',
        f"--kind {kind}",
    )


def _columns(spec: TaskSpec) -> tuple[str, str, str]:
    """Return the columns of queries, documents and relevance."""
    return spec.query or "query", spec.document or "document", spec.relevance or "relevance"
