"""Token classification: the tag of each word of a sentence, of the entity that it is in or of its part of speech."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from autopeft.errors import DataError
from autopeft.tasks.intake import Intake
from autopeft.tasks.kind import Sample, TaskKind
from autopeft.tasks.known_labels import numbers_among
from autopeft.tasks.metric import MOST_COMMON, Metric
from autopeft.tasks.overview import SHOWN, lengths_of
from autopeft.tasks.rows import holds_lists
from autopeft.tasks.source import Source
from autopeft.tasks.tables import Table, kind_in_words
from autopeft.tasks.task import Task
from autopeft.tasks.tokens.build import read_sentences
from autopeft.tasks.tokens.encoding import words_as_read
from autopeft.tasks.tokens.rows import sentences_of
from autopeft.tasks.tokens.schema import Tags
from autopeft.tasks.tokens.scheme import check_scheme, marks_entities
from autopeft.tasks.tokens.sentences import Sentences
from autopeft.tasks.tokens.shown import counts_of, example_of

__all__ = ["ENTITY_F1", "TOKEN_ACCURACY", "Tokens"]

#: F1 over the entities of all sentences, each told with its very words and type or not.
ENTITY_F1 = "entity_f1"

#: The share of words that are told their tag.
TOKEN_ACCURACY = "token_accuracy"

#: Columns of words, and of their tags, that are known without being named.
_WORDS = "tokens"
_TAGS = ("tags", "ner_tags")


class Tokens(TaskKind):
    """Which tag each word of a sentence has."""

    name = "tokens"
    summary = "a tag for each word of a sentence: names, parts of speech"
    layout = (
        "rows with a list of words (--text, else 'tokens') and a list of their tags (--label, else 'tags' or "
        "'ner_tags'); or a .conll, .bio or .iob file: a word and its tag a line, a blank line between sentences"
    )
    samples = (
        Sample(
            "names.conll", "Ada\tB-person\nLovelace\tI-person\nlived\tO\nin\tO\nLondon\tB-place\n\nIt\tO\nrains\tO\n"
        ),
        Sample(
            "speech.jsonl",
            '{"words": ["It", "rains"], "pos": ["PRON", "VERB"]}\n{"words": ["Go", "home"], "pos": ["VERB", "ADV"]}\n',
            "--text words --label pos",
        ),
    )
    metrics: ClassVar[dict[str, Metric]] = {
        ENTITY_F1: Metric(unit="sentence", mean=False),
        # A ratio of words: a sentence counts as much as it is long.
        TOKEN_ACCURACY: Metric(unit="sentence", mean=False),
    }
    of_rows = True
    options = frozenset({"text", "label"})
    schema = Tags

    def usual_of(self, schema: Tags) -> str:
        """Return the metric of entities, where tags mark some."""
        return ENTITY_F1 if marks_entities(schema.labels) else TOKEN_ACCURACY

    def check_metric(self, metric: str, schema: Tags) -> None:
        """Refuse the metric of entities where tags do not say where these begin and end."""
        super().check_metric(metric, schema)
        if metric == ENTITY_F1:
            check_scheme(schema.labels)

    def recognise(self, source: Source) -> str | None:
        """Take what has lists of words, and lists of tags."""
        words, tags = self._columns(source)
        table = source.tables["train"]
        if not {words, tags} <= set(table.columns) or not holds_lists(table, words) or not holds_lists(table, tags):
            return None
        return f"lists of words in '{words}' to be tagged as in '{tags}'"

    def load(self, source: Source) -> Task:
        """Read sentences; equal ones stay in one split."""
        spec = source.spec
        schema, splits, notes, intake = read_sentences(spec, source.tables, *self._columns(source))
        if spec.metric is None and self.usual_of(schema) != ENTITY_F1:
            notes += (
                f"its tags have no prefixes such as B- and I-, so there are no entities to count: {TOKEN_ACCURACY}",
            )
        return self.task(spec.short_name, schema, splits, spec.metric, notes, intake)

    def guessed(self, task: Task) -> float | None:
        """Return what telling the most common tag is worth: no entity, or the words that have it."""
        if task.metric == ENTITY_F1:
            return 0.0
        if task.metric != TOKEN_ACCURACY:
            return None
        common = Counter(tag for tags in task.train.tags for tag in tags).most_common(1)[0][0]
        told = [tag == common for tags in task.validation.tags for tag in tags]
        return sum(told) / len(told)

    def digested(self, task: Task) -> Iterator[bytes]:
        """Yield tags, words and splits."""
        yield json.dumps(task.schema.labels).encode()
        for name, split in task.splits.items():
            yield f"\n{name}\n".encode()
            for words, tags in zip(split.words, split.tags, strict=True):
                yield json.dumps([words, tags]).encode() + b"\n"

    def describe(self, task: Task) -> list[str]:
        """Say how many tags and words there are, and how many entities."""
        words = sum(map(len, task.train.words))
        common = Counter(tag for tags in task.train.tags for tag in tags).most_common(1)[0][1] / words
        found = better = ""
        if marks_entities(task.schema.labels):
            if common > MOST_COMMON and task.metric == TOKEN_ACCURACY:
                better = f", so that {TOKEN_ACCURACY} says little: --metric {ENTITY_F1} says more"
            counts = counts_of(task.train, task.schema.labels)
            found = f"; {sum(counts.values()):,} entities of {len(counts)} types in train"
        return [
            f"sentences of words with {len(task.schema.labels)} tags",
            f"{words:,} words in train, the most common tag has {common:.1%} of them{better}{found}",
        ]

    def overview(self, task: Task, tokenizer: Any) -> dict[str, Any]:
        """Return how many entities of each type there are, or words of each tag, lengths and examples."""
        labels = task.schema.labels
        counts = {name: counts_of(split, labels) for name, split in task.splits.items()}
        words = [*task.train.words]
        if tokenizer is None:
            lengths = lengths_of([*map(len, words)], "words")
        else:
            special = tokenizer.num_special_tokens_to_add(pair=False)
            sizes = [int(each.sum()) + special for each in words_as_read(words, tokenizer)[1]]
            lengths = lengths_of(sizes, "tokens")
        some = zip(words[:SHOWN], task.train.tags[:SHOWN], strict=True)
        return {
            "labels": {name: {split: count[name] for split, count in counts.items()} for name in counts["train"]},
            "lengths": lengths,
            "examples": [example_of(sentence, tags, labels) for sentence, tags in some],
        }

    def inputs(self, split: Sentences) -> Iterable[Any]:
        """Yield the words."""
        return map(list, split.words)

    def known_as(self, task: Task, schema: Tags) -> Task:
        """Return a task whose tags have the numbers that something trained knows them by."""
        known = schema.labels
        if known == task.schema.labels:
            return task
        number = numbers_among(known, task.schema.labels, task.name, "tags")
        splits: dict[str, Any] = {
            name: Sentences(split.words, [tuple(number[tag] for tag in each) for each in split.tags])
            for name, split in task.splits.items()
        }
        return replace(task, schema=replace(task.schema, labels=known), **splits)

    def nothing(self, schema: Tags) -> Sentences:
        """Return a split of no sentences."""
        return Sentences((), ())

    def asks(self, schema: Tags) -> dict[str, str]:
        """Return the column of the words."""
        return {"text": schema.columns[0]}

    def with_columns(self, schema: Tags, columns: Sequence[str]) -> Tags:
        """Return a schema whose words stand in another column."""
        return replace(schema, columns=tuple(columns))

    def rows_of(self, schema: Tags, inputs: Sequence[Any]) -> list[dict[str, Any]]:
        """Return lists of words, or texts, as rows."""
        rows: list[dict[str, Any]] = []
        for number, given in enumerate([inputs] if isinstance(inputs, str) else inputs, 1):
            if isinstance(given, str):
                rows.append({schema.columns[0]: given})
            elif isinstance(given, list | tuple) and all(isinstance(word, str) for word in given):
                rows.append({schema.columns[0]: [*given]})
            else:
                raise DataError(f"reads texts, or lists of words; found {kind_in_words(given)} as input {number}")
        return rows

    def labels_in(self, split: Sentences) -> Sequence[Collection[int]]:
        """Return the tags in each sentence."""
        return [{*tags} for tags in split.tags]

    def label_names(self, schema: Tags) -> Sequence[str]:
        """Return the names of labels by their numbers."""
        return schema.labels

    def unlabelled(self, schema: Tags, table: Table) -> tuple[Sentences, list[int], Intake]:
        """Return the sentences of a table."""
        return sentences_of(table, schema.columns[0])

    def _columns(self, source: Source) -> tuple[str, str]:
        """Return the columns of the words and of their tags."""
        spec = source.spec
        there = [name for name in _TAGS if name in source.columns]
        return spec.text or _WORDS, spec.label or next(iter(there), _TAGS[0])
