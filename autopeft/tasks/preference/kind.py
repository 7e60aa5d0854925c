"""What the kind `preference` says of its data: pairs of a better and a worse answer."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any, ClassVar

import numpy as np

from autopeft.tasks.causal.kind import stretches_of
from autopeft.tasks.causal.questions import questions_of
from autopeft.tasks.causal.spot import numbers_at
from autopeft.tasks.inputs import texts_given
from autopeft.tasks.intake import Intake
from autopeft.tasks.kind import Sample, TaskKind
from autopeft.tasks.metric import Metric
from autopeft.tasks.overview import SHOWN, lengths_of
from autopeft.tasks.preference.build import read_pairs
from autopeft.tasks.preference.encoding import pair_tokens
from autopeft.tasks.preference.form import PairForm, form_of, has_pairs
from autopeft.tasks.preference.pairs import Pair, Pairs
from autopeft.tasks.source import Source
from autopeft.tasks.tables import Table
from autopeft.tasks.task import Task

__all__ = ["Preference"]

#: What the metric is worth where nothing is preferred to anything: a model is not told from its reference.
_EVEN = 0.5


class Preference(TaskKind):
    """Which of two answers a decoder is to prefer."""

    name = "preference"
    summary = "prompts with a better and a worse answer, for a decoder to prefer the better (DPO)"
    layout = "rows with a prompt and two answers: prompt, chosen, rejected; or two conversations that begin alike"
    samples = (
        Sample(
            "pairs.jsonl",
            '{"prompt": "2 + 2 =", "chosen": " 4", "rejected": " 5"}\n',
            "--model smollm2",
        ),
        Sample(
            "talks.jsonl",
            '{"chosen": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi!"}], '
            '"rejected": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Go away."}]}\n',
            "--model smollm2",
        ),
    )
    metrics: ClassVar[dict[str, Metric]] = {"accuracy": Metric(unit="pair")}
    of_rows = True
    options = frozenset({"prompt", "chosen", "rejected"})
    schema = PairForm

    def recognise(self, source: Source) -> str | None:
        """Take what has a better and a worse answer."""
        if not has_pairs(source.spec, source.columns):
            return None
        return form_of(source.spec, source.tables).describe()

    def load(self, source: Source) -> Task:
        """Read pairs; those of one prompt stay in one split."""
        form = form_of(source.spec, source.tables)
        splits, notes, intake = read_pairs(source.spec, form, source.tables)
        return self.task(source.spec.short_name, form, splits, source.spec.metric, notes, intake)

    def guessed(self, task: Task) -> float:
        """Return what the metric says of a model that is its own reference."""
        return _EVEN

    def digested(self, task: Task) -> Iterator[bytes]:
        """Yield form, pairs and splits."""
        yield json.dumps(asdict(task.schema), sort_keys=True).encode()
        for name, split in task.splits.items():
            yield f"\n{name}\n".encode()
            for row in self.inputs(split):
                yield json.dumps(row).encode() + b"\n"

    def describe(self, task: Task) -> list[str]:
        """Say what is read, and what an untouched model is worth."""
        untouched = f"an untouched model ranks no pair either way, which is {_EVEN:g} by definition"
        return [task.schema.describe(), untouched]

    def overview(self, task: Task, tokenizer: Any) -> dict[str, Any]:
        """Return the form, lengths of both answers with their prompts, and examples, the better answer first."""
        form, pairs = task.schema, task.train.pairs
        if tokenizer is None:
            both = [(pair.prompt + pair.chosen, pair.prompt + pair.rejected) for pair in pairs]
            characters = [sum(len(turn.content) for turn in each) for two in both for each in two]
            shown = [[turn.message() for turn in each] for two in both[:SHOWN] for each in two]
            return {"form": form.describe(), "lengths": lengths_of(characters, "characters"), "examples": shown}
        found = pair_tokens(task.train, form, tokenizer)
        lengths = np.array([len(ids) for each in found for ids in (each.chosen, each.rejected)])
        rows = [row for each in found[:SHOWN] for row in each.rows(int(lengths.max()))]
        return {
            "form": form.describe(),
            "lengths": lengths_of(lengths, "tokens"),
            "examples": [stretches_of(ids, labels, tokenizer) for ids, labels in rows],
        }

    def inputs(self, split: Pairs) -> Iterable[Any]:
        """Yield who says what, in both answers."""
        return (pair.recorded() for pair in split.pairs)

    def questions(self, split: Pairs) -> Iterable[Hashable]:
        """Yield the prompts."""
        return (pair.prompt for pair in split.pairs)

    def row_numbers(self, task: Task, table: Table) -> list[int]:
        """Return rows by the places that pairs know."""
        return numbers_at(table, task.train.places)

    def nothing(self, schema: PairForm) -> Pairs:
        """Return a split of no pairs."""
        return Pairs(())

    def asks(self, schema: PairForm) -> dict[str, str]:
        """Return the column of what is asked."""
        return {"prompt": schema.asking}

    def with_columns(self, schema: PairForm, columns: Sequence[str]) -> PairForm:
        """Return a form whose prompts stand in another column."""
        return replace(schema, prompt=columns[0])

    def rows_of(self, schema: PairForm, inputs: Sequence[Any]) -> list[dict[str, Any]]:
        """Return texts as questions."""
        texts = [text for (text,) in texts_given(inputs, 1)]
        if schema.conversation:
            return [{schema.asking: [{"role": "user", "content": text}]} for text in texts]
        return [{schema.asking: text} for text in texts]

    def unlabelled(self, schema: PairForm, table: Table) -> tuple[Pairs, list[int], Intake]:
        """Return the questions of a table, as pairs whose answers are stand-ins."""
        asked, numbers, intake = questions_of(table, schema.answering)
        pairs = [Pair(example[:-1], example[-1:], example[-1:]) for example in asked.examples]
        return Pairs(pairs, asked.places), numbers, intake
