"""Measure a trained model as trials are measured at their end."""

from __future__ import annotations

from typing import Any, Literal

from transformers import PreTrainedModel

from autopeft.tasks import Task, pad_id_of
from autopeft.trials import Measured, TrialSetting, kind_of

__all__ = ["measure"]


def measure(
    model: PreTrainedModel,
    task: Task,
    split: Literal["validation", "test"],
    tokenizer: Any,
    setting: TrialSetting,
) -> Measured:
    """Return what a model reaches on a split: every metric, and `loss`.

    Args:
        model: The model, with its adapters.
        task: The data.
        split: Which split.
        tokenizer: The backbone's.
        setting: Where texts are cut, the size of batches, the precision, and how many questions are answered.
    """
    kind, examples, pad_id = kind_of(task).under(setting), task.splits[split], pad_id_of(tokenizer)
    encoded = kind.encode(examples, tokenizer, setting.max_length)
    parts = [(rows, kind.collate(encoded, rows, pad_id)) for rows in kind.grouped(encoded, 2 * setting.batch_size)]
    found = kind.measure(model.eval(), parts, setting.precision, lambda rows, longest: None)
    for probe in kind.probes(examples, tokenizer, setting):
        scores = probe.scores(model, setting.precision, len(examples))
        found.figures.update({name: float(values.mean()) for name, values in scores.items()})
    return found
