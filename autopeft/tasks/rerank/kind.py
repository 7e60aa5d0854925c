"""Re-ranking: how relevant each of the documents is that BM25 finds for a query."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from autopeft.errors import DataError
from autopeft.tasks.kind import Sample
from autopeft.tasks.metric import Metric
from autopeft.tasks.ranking.build import queries_by_split
from autopeft.tasks.ranking.collection import Collection
from autopeft.tasks.ranking.kind import Ranking, sample_of
from autopeft.tasks.rerank.asked import YES_OR_NO
from autopeft.tasks.rerank.candidates import CANDIDATES, candidates_of
from autopeft.tasks.rerank.sets import WORDS, answer_of, drawn_sets
from autopeft.tasks.spec import TaskSpec
from autopeft.tasks.task import Task

__all__ = ["METRICS", "Pairs", "Rerank"]

#: The metrics; the first is the usual one.
METRICS = ("ndcg@10", "mrr@10", "map")


@dataclass(frozen=True)
class Pairs:
    """What a task of re-ranking has to know of its data.

    Args:
        columns: Where query and document stand in rows.
        grades: The highest grade that a language model tells; None where it says yes or no.
        expectation: Whether a document's score is the mean of the grades by their probability; else it is the likeliest
            grade times its probability.
        set_size: How many documents a language model is shown at once, to name the one that answers best; None where it
            is asked of each alone.
        answers: What a language model may answer, the least relevant first; empty where a head of its own scores.
        highest: The highest relevance in the training data, which the highest grade stands for.

    Raises:
        ValueError: When there are not two columns.
    """

    columns: tuple[str, ...] = ("query", "document")
    grades: int | None = None
    expectation: bool = False
    set_size: int | None = None
    answers: tuple[str, ...] = ()
    highest: int = 1

    def __post_init__(self) -> None:
        if len(self.columns) != 2:
            raise ValueError("expected two columns, of queries and of documents")

    def asked(self) -> Pairs:
        """Return the same for a language model, which is asked for an answer."""
        if self.set_size is not None:
            return replace(self, answers=tuple(answer_of(number + 1) for number in range(self.set_size)))
        if self.grades is None:
            return replace(self, answers=YES_OR_NO)
        return replace(self, answers=tuple(map(str, range(self.grades + 1))))

    def right(self, grade: int) -> int:
        """Return the number of the answer that says of a document how relevant it is."""
        if self.grades is None or grade <= 0:
            return int(grade > 0)
        return max(1, round(self.grades * min(grade, self.highest) / self.highest))


class Rerank(Ranking):
    """How relevant documents are to a query."""

    name = "rerank"
    summary = "documents that BM25 finds, to be put in order of relevance"
    samples: ClassVar[tuple[Sample, ...]] = (sample_of(name),)
    metrics: ClassVar[dict[str, Metric]] = dict.fromkeys(METRICS, Metric(unit="query"))
    options = Ranking.options | {"candidates", "grades", "expectation", "set_size", "loss"}
    schema = Pairs

    def built(self, collection: Collection, spec: TaskSpec, metric: str, columns: tuple[str, str]) -> Task:
        """Let BM25 find the candidates of each query."""
        if spec.expectation and spec.grades is None:
            raise DataError("--expectation is a mean of grades; give --grades too, or leave it out")
        if spec.grades is not None and spec.grades < 1:
            raise DataError(f"--grades is {spec.grades}; expected 1 or more, the highest grade")
        if spec.set_size is not None:
            _check_sets(spec, spec.set_size)
        depth, candidates = candidates_of(collection, spec.candidates, metric)
        splits, notes = queries_by_split(spec.short_name, collection, spec.seed, depth, candidates)
        highest = max(grade for query in splits["train"].queries for grade in query.grades)
        if spec.set_size is not None:
            splits["train"] = drawn_sets(splits["train"], collection, spec.set_size, spec.seed)
            notes.append(
                f"in training a query has sets of {spec.set_size} instead: one relevant document, and others of the "
                f"corpus by lot; of each document the first {WORDS} words are shown"
            )
        schema = Pairs(columns, spec.grades, spec.expectation, spec.set_size, highest=highest)
        return self.task(spec.short_name, schema, splits, metric, tuple(notes), collection.intake)

    def remembered(self, schema: Pairs) -> dict[str, Any]:
        """Return what a language model is asked for."""
        graded = {} if schema.grades is None else {"grades": schema.grades, "expectation": schema.expectation}
        return graded if schema.set_size is None else {"set_size": schema.set_size}

    def judged_by(self, metric: str, schema: Pairs) -> Metric:
        """Return a metric, which takes long where language models have to write which document is the best."""
        return replace(super().judged_by(metric, schema), quick=schema.set_size is None)

    def describe(self, task: Task) -> list[str]:
        """Say how many documents there are to be ranked."""
        counts = [sum(len(query.documents) for query in split.queries) for split in task.splits.values()]
        return ["queries with documents to be ranked", f"documents: {' / '.join(f'{count:,}' for count in counts)}"]


def _check_sets(spec: TaskSpec, size: int) -> None:
    """Check that the candidates of a query can be shown at once, and that nothing else is asked of them.

    Raises:
        DataError: When they cannot, or something is.
    """
    if spec.grades is not None:
        raise DataError("--grades are of documents alone, and --set-size shows several at once; leave one of them out")
    most = 2 * (CANDIDATES if spec.candidates is None else spec.candidates)
    if most > size:
        raise DataError(
            f"--set-size is {size}, but {most} documents are ranked for a query of test; expected {most} or more, or "
            f"fewer --candidates: {size // 2}"
        )
