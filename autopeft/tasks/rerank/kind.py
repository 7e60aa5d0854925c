"""Re-ranking: how relevant each of the documents is that BM25 finds for a query."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from autopeft.errors import DataError
from autopeft.tasks.encoding import token_lengths
from autopeft.tasks.inputs import texts_given
from autopeft.tasks.intake import Intake
from autopeft.tasks.kind import Sample, TaskKind
from autopeft.tasks.metric import Metric
from autopeft.tasks.overview import SHOWN, lengths_of
from autopeft.tasks.ranking.beir import is_beir, read_beir
from autopeft.tasks.ranking.build import queries_by_split
from autopeft.tasks.ranking.judged_rows import read_judged_rows
from autopeft.tasks.ranking.metrics import TREC
from autopeft.tasks.ranking.queries import Queries, Query
from autopeft.tasks.rerank.asked import YES_OR_NO
from autopeft.tasks.rows import check_columns, texts_of
from autopeft.tasks.source import Source
from autopeft.tasks.spec import TaskSpec
from autopeft.tasks.tables import Table
from autopeft.tasks.task import Task

__all__ = ["METRICS", "Pairs", "Rerank"]

#: The metrics; the first is the usual one.
METRICS = tuple(TREC)


@dataclass(frozen=True)
class Pairs:
    """What a task of re-ranking has to know of its data.

    Args:
        columns: Where query and document stand in rows.
        grades: The highest grade that a language model tells; None where it says yes or no.
        expectation: Whether a document's score is the mean of the grades by their probability; else it is the likeliest
            grade times its probability.
        answers: What a language model may answer, the least relevant first; empty where a head of its own scores.
        highest: The highest relevance in the training data, which the highest grade stands for.

    Raises:
        ValueError: When there are not two columns.
    """

    columns: tuple[str, ...] = ("query", "document")
    grades: int | None = None
    expectation: bool = False
    answers: tuple[str, ...] = ()
    highest: int = 1

    def __post_init__(self) -> None:
        if len(self.columns) != 2:
            raise ValueError("expected two columns, of queries and of documents")

    def asked(self) -> Pairs:
        """Return the same for a language model, which is asked for an answer."""
        if self.grades is None:
            return replace(self, answers=YES_OR_NO)
        return replace(self, answers=tuple(map(str, range(self.grades + 1))))

    def right(self, grade: int) -> int:
        """Return the number of the answer that says of a document how relevant it is."""
        if self.grades is None or grade <= 0:
            return int(grade > 0)
        return max(1, round(self.grades * min(grade, self.highest) / self.highest))


class Rerank(TaskKind):
    """How relevant documents are to a query."""

    name = "rerank"
    summary = "documents to be put in order by how relevant they are to a query"
    layout = (
        "a folder as BEIR has it: corpus.jsonl (_id, title, text), queries.jsonl (_id, text) and qrels/train.tsv, "
        "dev.tsv, test.tsv (query-id, corpus-id, score); or rows with a query (--query, else 'query'), a document "
        "(--document, else 'document') and how relevant it is (--relevance, else 'relevance'; 0 is not)"
    )
    samples = (
        Sample(
            "judged.jsonl",
            '{"query": "who wrote Ulysses", "document": "Ulysses is a novel by James Joyce.", "relevance": 1}\n'
            '{"query": "who wrote Ulysses", "document": "Ulysses Grant was a general.", "relevance": 0}\n',
        ),
    )
    metrics: ClassVar[dict[str, Metric]] = dict.fromkeys(METRICS, Metric(unit="query"))
    options = frozenset({"query", "document", "relevance", "candidates", "grades", "expectation", "loss"})
    schema = Pairs

    def layout_of(self, source: Source) -> str | None:
        """Take a folder with a corpus and queries."""
        return "queries and a corpus, as BEIR has them" if is_beir(source.path) else None

    def recognise(self, source: Source) -> str | None:
        """Take rows with the three columns."""
        columns = _columns(source.spec)
        if not set(columns) <= set(source.columns):
            return None
        query, document, relevance = (f"'{column}'" for column in columns)
        return f"queries of {query}, documents of {document}, how relevant they are of {relevance}"

    def load(self, source: Source) -> Task:
        """Read a collection, and let BM25 find the candidates of each query."""
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
        if spec.expectation and spec.grades is None:
            raise DataError("--expectation is a mean of grades; give --grades too, or leave it out")
        if spec.grades is not None and spec.grades < 1:
            raise DataError(f"--grades is {spec.grades}; expected 1 or more, the highest grade")
        splits, notes = queries_by_split(spec.short_name, collection, spec.candidates, spec.seed, metric)
        highest = max(grade for query in splits["train"].queries for grade in query.grades)
        schema = Pairs(columns[:2], spec.grades, spec.expectation, highest=highest)
        return self.task(spec.short_name, schema, splits, metric, tuple(notes), collection.intake)

    def digested(self, task: Task) -> Iterator[bytes]:
        """Yield the queries of each split with their candidates, and the texts of these."""
        used: set[str] = set()
        for name, split in task.splits.items():
            yield f"\n{name}\n".encode()
            for query in split.queries:
                used.update(query.documents)
                yield json.dumps([query.text, query.documents, query.grades, query.missed]).encode() + b"\n"
        for name in sorted(used):
            yield json.dumps([name, task.train.corpus[name]]).encode() + b"\n"

    def describe(self, task: Task) -> list[str]:
        """Say how many documents there are to be ranked."""
        counts = [sum(len(query.documents) for query in split.queries) for split in task.splits.values()]
        return ["queries with documents to be ranked", f"documents: {' / '.join(f'{count:,}' for count in counts)}"]

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

    def known_as(self, task: Task, schema: Pairs) -> Task:
        """Return a task whose documents are scored as what was trained does."""
        return replace(task, schema=replace(schema, columns=task.schema.columns))

    def inputs(self, split: Queries) -> Iterable[Any]:
        """Yield the queries."""
        return (query.text for query in split.queries)

    def nothing(self, schema: Pairs) -> Queries:
        """Return a split of no queries."""
        return Queries((), {})

    def asks(self, schema: Pairs) -> dict[str, str]:
        """Return the columns of query and document."""
        return dict(zip(("query", "document"), schema.columns, strict=True))

    def with_columns(self, schema: Pairs, columns: Sequence[str]) -> Pairs:
        """Return a schema whose queries and documents stand in other columns."""
        return replace(schema, columns=tuple(columns))

    def rows_of(self, schema: Pairs, inputs: Sequence[Any]) -> list[dict[str, Any]]:
        """Return pairs of a query and a document as rows."""
        return [dict(zip(schema.columns, texts, strict=True)) for texts in texts_given(inputs, 2)]

    def unlabelled(self, schema: Pairs, table: Table) -> tuple[Queries, list[int], Intake]:
        """Return the rows of a table, each a query with one document."""
        check_columns(table, schema.columns, "Name the columns with --query and --document")
        texts, numbers, intake = texts_of(table, schema.columns)
        corpus = {str(place): text[1] for place, text in enumerate(texts)}
        queries = [Query(text[0], (str(place),), (0,)) for place, text in enumerate(texts)]
        return Queries(queries, corpus), numbers, intake


def _columns(spec: TaskSpec) -> tuple[str, str, str]:
    """Return the columns of queries, documents and relevance."""
    return spec.query or "query", spec.document or "document", spec.relevance or "relevance"
