"""Causal language modelling: conversations, answers to prompts, or texts to go on with."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from itertools import groupby
from pathlib import Path
from typing import Any, ClassVar

from autopeft.errors import DataError
from autopeft.tasks.causal.build import read_examples
from autopeft.tasks.causal.encoding import encode_causal
from autopeft.tasks.causal.formats import FORMATS, Format, recognise
from autopeft.tasks.causal.judging import ANSWER_METRICS, Column
from autopeft.tasks.causal.questions import questions_of
from autopeft.tasks.causal.split import CausalSplit
from autopeft.tasks.causal.spot import numbers_at
from autopeft.tasks.causal.turns import before_answer, recorded, with_answer
from autopeft.tasks.encoding import IGNORED
from autopeft.tasks.inputs import texts_given
from autopeft.tasks.intake import Intake
from autopeft.tasks.kind import Sample, TaskKind
from autopeft.tasks.metric import Metric
from autopeft.tasks.overview import SHOWN, lengths_of
from autopeft.tasks.source import Source
from autopeft.tasks.tables import Table
from autopeft.tasks.task import Task

__all__ = ["CHOICE_METRIC", "Causal", "stretches_of"]

#: The share of multiple-choice questions of which a model finds the right choice most likely.
CHOICE_METRIC = "choice"


class Causal(TaskKind):
    """What a decoder is to say next."""

    name = "causal"
    summary = "text to generate: conversations, prompts with completions, or plain text"
    layout = "rows with the columns of one of these forms: " + "; ".join(", ".join(form.known_by) for form in FORMATS)
    samples = (
        Sample(
            "answers.jsonl",
            '{"prompt": "2 + 2 =", "completion": " 4"}\n{"prompt": "3 + 4 =", "completion": " 7"}\n',
            "--model smollm2",
        ),
        Sample(
            "talks.jsonl",
            '{"messages": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi!"}]}\n',
            "--model smollm2",
        ),
    )
    metrics: ClassVar[dict[str, Metric]] = {
        # A ratio of tokens: an example counts as much as it is long.
        "token_accuracy": Metric(mean=False),
        **dict.fromkeys((*ANSWER_METRICS, CHOICE_METRIC), Metric(quick=False)),
    }
    of_rows = True
    options = frozenset({"text", "messages", "prompt", "completion", "choices", "generate", "loss"})
    replaced = "the last answer that is learned"
    schema = Format

    def check_metric(self, metric: str, schema: Format) -> None:
        """Refuse metrics of answers where nothing is asked, and that of choices where there are none."""
        super().check_metric(metric, schema)
        if metric == CHOICE_METRIC and not schema.choices:
            raise DataError(
                f"the metric {CHOICE_METRIC} needs questions with choices, found {schema.describe()}; name the "
                "column of the choices by choices, or use another metric"
            )
        if metric in ANSWER_METRICS and schema.plain:
            raise DataError(
                f"the metric {metric} needs prompts to answer, found {schema.describe()}; give prompts and "
                f"completions, or use {self.usual}"
            )

    def recognise(self, source: Source) -> str | None:
        """Take what has the columns of one of the forms."""
        form = recognise(source.spec, source.columns)
        return None if form is None else form.describe()

    def load(self, source: Source) -> Task:
        """Read examples; equal questions stay in one split."""
        form = recognise(source.spec, source.columns)
        if form is None:
            raise DataError(
                f"'{source.name}' has no columns of a form for decoders; found: {', '.join(source.columns)}. Name them "
                "with --messages, with --prompt and --completion, or with --text"
            )
        splits, notes, intake = read_examples(source.spec, form, source.tables)
        return self.task(source.spec.short_name, form, splits, source.spec.metric, notes, intake)

    def digested(self, task: Task) -> Iterator[bytes]:
        """Yield form, examples and splits."""
        yield json.dumps(asdict(task.schema), sort_keys=True).encode()
        for name, split in task.splits.items():
            yield f"\n{name}\n".encode()
            for example in split.examples:
                yield json.dumps(recorded(example)).encode() + b"\n"
            if split.choices is not None:
                yield json.dumps(list(split.choices)).encode()
            for beside in split.beside:
                known = {column.name: column.identity(beside[column.name]) for column in _columns(task.metric)}
                yield json.dumps(known, sort_keys=True).encode() + b"\n"

    def files(self, task: Task) -> list[Path]:
        """Return the files by which answers are judged."""
        named = [column.name for column in _columns(task.metric) if column.is_file]
        return [Path(each[name]) for name in named for split in task.splits.values() for each in split.beside]

    def describe(self, task: Task) -> list[str]:
        """Say what is read and what is learned."""
        return [task.schema.describe()]

    def overview(self, task: Task, tokenizer: Any) -> dict[str, Any]:
        """Return the form, lengths, and examples: with a tokenizer as stretches with their tokens, learned or not."""
        form, train = task.schema, task.train
        if tokenizer is None:
            characters = [sum(len(turn.content) for turn in example) for example in train.examples]
            shown = [[turn.message() for turn in example] for example in train.examples[:SHOWN]]
            return {"form": form.describe(), "lengths": lengths_of(characters, "characters"), "examples": shown}
        encoded = encode_causal(train, form, tokenizer)
        rows = zip(encoded.inputs["input_ids"][:SHOWN], encoded.inputs["labels"][:SHOWN], strict=True)
        return {
            "form": form.describe(),
            "lengths": lengths_of(encoded.lengths, "tokens"),
            "examples": [stretches_of(ids, labels, tokenizer) for ids, labels in rows],
        }

    def inputs(self, split: CausalSplit) -> Iterable[Any]:
        """Yield who says what, with what is learned."""
        return map(recorded, split.examples)

    def questions(self, split: CausalSplit) -> Iterable[Hashable]:
        """Yield what stands before the last answer."""
        return map(before_answer, split.examples)

    def with_column(self, split: CausalSplit, cells: Sequence[str | None]) -> CausalSplit:
        """Return examples with other answers."""
        both = zip(split.examples, cells, strict=True)
        return replace(split, examples=[each if cell is None else with_answer(each, cell) for each, cell in both])

    def row_numbers(self, task: Task, table: Table) -> list[int]:
        """Return rows by the places that examples know."""
        return numbers_at(table, task.train.places)

    def nothing(self, schema: Format) -> CausalSplit:
        """Return a split of no examples."""
        return CausalSplit((), () if schema.choices else None)

    def asks(self, schema: Format) -> dict[str, str]:
        """Return the columns of what is asked."""
        flags = ("messages",) if schema.conversation else ("text",) if schema.plain else ("prompt", "choices")
        return dict(zip(flags, schema.asking, strict=False))

    def with_columns(self, schema: Format, columns: Sequence[str]) -> Format:
        """Return a form whose questions stand in other columns."""
        return replace(schema, columns=(*columns, *schema.columns[len(columns) :]))

    def rows_of(self, schema: Format, inputs: Sequence[Any]) -> list[dict[str, Any]]:
        """Return texts as questions."""
        if schema.choices:
            raise DataError("chooses among choices, which a text has none of; give a file with both")
        [column] = self.asks(schema).values()
        texts = [text for (text,) in texts_given(inputs, 1)]
        if schema.conversation:
            return [{column: [{"role": "user", "content": text}]} for text in texts]
        return [{column: text} for text in texts]

    def unlabelled(self, schema: Format, table: Table) -> tuple[CausalSplit, list[int], Intake]:
        """Return the questions of a table."""
        return questions_of(table, schema)


def _columns(metric: str) -> Sequence[Column]:
    """Return what a metric reads beside texts."""
    return ANSWER_METRICS[metric].columns if metric in ANSWER_METRICS else ()


def stretches_of(ids: Sequence[int], labels: Sequence[int], tokenizer: Any) -> list[dict[str, Any]]:
    """Return an example as stretches that are learned or not."""
    found = []
    for learned, group in groupby(zip(ids, labels, strict=True), lambda pair: pair[1] != IGNORED):
        tokens = [token for token, _ in group]
        found.append(
            {
                "learned": learned,
                "text": tokenizer.decode(tokens),
                "tokens": [{"id": token, "text": tokenizer.decode([token])} for token in tokens],
            }
        )
    return found
