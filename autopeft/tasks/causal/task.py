"""A task for causal language models: conversations, prompts with completions, or texts to go on with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property

from autopeft.errors import DataError
from autopeft.tasks.answers import ANSWER_METRICS
from autopeft.tasks.causal.formats import Format
from autopeft.tasks.causal.turns import Example, recorded
from autopeft.tasks.intake import Intake
from autopeft.tasks.metrics import CAUSAL_METRICS, CHOICE_METRIC, check_metric

__all__ = ["CausalSplit", "CausalTask"]


@dataclass(frozen=True)
class CausalSplit:
    """Examples whose assistant's turns are learned.

    Args:
        examples: The examples.
        choices: Of multiple-choice data, the choices of each example, among them what is learned.
        places: Where each example stands, for messages; empty where it stands nowhere.
    """

    examples: Sequence[Example]
    choices: Sequence[tuple[str, ...]] | None = None
    places: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.examples)

    def take(self, indices: Iterable[int]) -> CausalSplit:
        """Return the examples at the indices, in their order."""
        picked = [int(index) for index in indices]
        choices = None if self.choices is None else [self.choices[index] for index in picked]
        places = [self.places[index] for index in picked] if self.places else ()
        return CausalSplit([self.examples[index] for index in picked], choices, places)


@dataclass(frozen=True)
class CausalTask:
    """Data, splits and metric.

    Args:
        name: Short name, fit for a file name.
        form: What form the examples have.
        metric: A name of `CAUSAL_METRICS`; higher is better.
        train: What trials fit.
        validation: What a search measures on.
        test: Read by finalists and `evaluate` only.
        notes: What was done to the data on the way in, for people.
        intake: What became of the rows of each source, by the split it was given for.
    """

    name: str
    form: Format
    metric: str
    train: CausalSplit
    validation: CausalSplit
    test: CausalSplit
    notes: tuple[str, ...] = ()
    intake: Mapping[str, Intake] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_metric(self.metric, CAUSAL_METRICS)
        if self.metric == CHOICE_METRIC and not self.form.choices:
            raise DataError(
                f"the metric {CHOICE_METRIC} needs questions with choices, found {self.form.describe()}; name the "
                "column of the choices by choices, or use another metric"
            )
        if self.metric in ANSWER_METRICS and self.form.plain:
            raise DataError(
                f"the metric {self.metric} needs prompts to answer, found {self.form.describe()}; give prompts and "
                f"completions, or use {CAUSAL_METRICS[0]}"
            )

    @property
    def splits(self) -> dict[str, CausalSplit]:
        """The three splits by name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    @cached_property
    def fingerprint(self) -> str:
        """The sha256 of form, examples and splits: equal data, equal fingerprint."""
        digest = hashlib.sha256(json.dumps(asdict(self.form), sort_keys=True).encode())
        for name, split in self.splits.items():
            digest.update(f"\n{name}\n".encode())
            for example in split.examples:
                digest.update(json.dumps(recorded(example)).encode() + b"\n")
            if split.choices is not None:
                digest.update(json.dumps(list(split.choices)).encode())
        return digest.hexdigest()

    def describe(self) -> list[str]:
        """Return lines that tell people what the task holds."""
        sizes = " / ".join(str(len(split)) for split in self.splits.values())
        return [
            f"{self.name}: {self.form.describe()}, metric {self.metric}",
            f"train / validation / test: {sizes}",
            *(line for intake in self.intake.values() for line in intake.describe()),
            *self.notes,
        ]
