"""Measure a trained model as trials are measured at their end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from transformers import PreTrainedModel

from autopeft.tasks import Task, pad_id_of
from autopeft.trials import Batch, Measured, TrialKind, TrialSetting, kind_of

__all__ = ["Paper", "measure", "paper"]


@dataclass(frozen=True)
class Paper:
    """What models are measured on.

    Args:
        kind: What the task is; it knows how the examples were read.
        examples: The examples.
        batches: The rows of each batch, and the batch.
    """

    kind: TrialKind
    examples: Any
    batches: Sequence[tuple[np.ndarray, Batch]]


def paper(task: Task, split: str, model: PreTrainedModel, tokenizer: Any, setting: TrialSetting) -> Paper:
    """Return a split as models are measured on it.

    Args:
        task: The data.
        split: Its name.
        model: The model before anything is put in or trained, which trained ones may be held against.
        tokenizer: The backbone's.
        setting: Where texts are cut, the size of batches and the precision.
    """
    kind, examples, pad_id = kind_of(task).under(setting), task.splits[split], pad_id_of(tokenizer)
    encoded = kind.encode(examples, tokenizer, setting.max_length)
    encoded = kind.with_reference(model.eval(), encoded, setting, pad_id)
    parts = [(rows, kind.collate(encoded, rows, pad_id)) for rows in kind.grouped(encoded, 2 * setting.batch_size)]
    return Paper(kind, examples, parts)


def measure(model: PreTrainedModel, on: Paper, tokenizer: Any, setting: TrialSetting) -> Measured:
    """Return what a model reaches on a split: every metric, and `loss`.

    Args:
        model: The model, with its adapters.
        on: The split as `paper` returned it.
        tokenizer: The backbone's.
        setting: The precision, and how many questions are answered.
    """
    found = on.kind.measure(model.eval(), on.batches, setting.precision, lambda rows, longest: None)
    for probe in on.kind.probes(on.examples, tokenizer, setting):
        scores = probe.scores(model, setting.precision, len(on.examples))
        found.figures.update({name: float(values.mean()) for name, values in scores.items()})
    return found
