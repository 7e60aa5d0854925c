"""Retrieval: texts become vectors, and the documents nearest to a query are found for it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from autopeft.errors import DataError
from autopeft.tasks.kind import Sample
from autopeft.tasks.metric import Metric
from autopeft.tasks.ranking.build import DEEP, queries_by_split
from autopeft.tasks.ranking.collection import Collection
from autopeft.tasks.ranking.kind import Ranking, sample_of
from autopeft.tasks.retrieve.corpus import corpus_of
from autopeft.tasks.spec import TaskSpec
from autopeft.tasks.task import Task

__all__ = ["METRICS", "POOLINGS", "PROMPTED", "Retrieve", "Vectors"]

#: The metrics; the first is the usual one.
METRICS = ("ndcg@10", "recall@100", "mrr@10")

#: What a text is made of: the mean of its tokens, the first or the last.
POOLINGS = ("mean", "first", "last")

#: The texts that a model may have a prompt for.
PROMPTED = ("query", "document")


@dataclass(frozen=True)
class Vectors:
    """What a task of retrieval has to know of its data, and how texts become vectors.

    Args:
        columns: Where query and document stand in rows.
        pooling: What a text is made of, one of `POOLINGS`; None until a model is known, where the user says nothing.
        prompts: What stands before queries and documents, by `PROMPTED`.
        size: How many numbers a vector has; None until a model is known.

    Raises:
        ValueError: When there are not two columns, or a name is unknown.
    """

    columns: tuple[str, ...] = ("query", "document")
    pooling: str | None = None
    prompts: Mapping[str, str] = field(default_factory=dict)
    size: int | None = None

    def __post_init__(self) -> None:
        if len(self.columns) != 2:
            raise ValueError("expected two columns, of queries and of documents")
        if self.pooling not in (None, *POOLINGS):
            raise ValueError(f"pooling is {self.pooling!r}; expected one of {', '.join(POOLINGS)}")
        if not set(self.prompts) <= set(PROMPTED):
            raise ValueError(f"prompts of {', '.join(self.prompts)}; expected some of {', '.join(PROMPTED)}")

    def prompt(self, of: str) -> str:
        """Return what stands before a `query` or a `document`."""
        return self.prompts.get(of, "")


class Retrieve(Ranking):
    """Which documents of a corpus are relevant to a query."""

    name = "retrieve"
    summary = "documents to be found in a corpus by vectors"
    samples: ClassVar[tuple[Sample, ...]] = (sample_of(name),)
    metrics: ClassVar[dict[str, Metric]] = dict.fromkeys(METRICS, Metric(unit="query"))
    options = Ranking.options | {"pooling"}
    schema = Vectors

    def built(self, collection: Collection, spec: TaskSpec, metric: str, columns: tuple[str, str]) -> Task:
        """Lay out what is searched on each split."""
        if spec.pooling not in (None, *POOLINGS):
            raise DataError(f"--pooling is {spec.pooling!r}; expected one of: {', '.join(POOLINGS)}")
        dealt = corpus_of(collection, spec.seed, metric)
        splits, notes = queries_by_split(spec.short_name, collection, spec.seed, DEEP, dealt, by_lot=True)
        schema = Vectors(columns, spec.pooling)
        return self.task(spec.short_name, schema, splits, metric, tuple(notes), collection.intake)

    def remembered(self, schema: Vectors) -> dict[str, Any]:
        """Return what texts are made of."""
        return {} if schema.pooling is None else {"pooling": schema.pooling}

    def digested(self, task: Task) -> Iterator[bytes]:
        """Yield the prompts, which are read with the texts, and what there is of every ranking."""
        yield json.dumps(dict(task.schema.prompts), sort_keys=True).encode()
        yield from super().digested(task)

    def known_as(self, task: Task, schema: Vectors) -> Task:
        """Return a task whose texts become vectors as what was trained makes them."""
        if task.schema.pooling not in (None, schema.pooling):
            raise DataError(f"make vectors with --pooling {schema.pooling}; leave --pooling out")
        return super().known_as(task, schema)

    def describe(self, task: Task) -> list[str]:
        """Say how many documents there are in each split."""
        counts = [len({each for query in split.queries for each in query.documents}) for split in task.splits.values()]
        return ["queries with documents to be found", f"documents: {' / '.join(f'{count:,}' for count in counts)}"]
