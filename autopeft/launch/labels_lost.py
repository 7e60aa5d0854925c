"""Which labels a selection of training rows leaves without a row: said before the first trial."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from autopeft.levers import SELECT
from autopeft.tasks import Task
from autopeft.tasks.intake import listed
from autopeft.trials import Levers, TrialSetting, drawn

__all__ = ["labels_lost"]


def labels_lost(
    selections: Iterable[Mapping[str, Any]],
    task: Task,
    setting: TrialSetting,
    scores: Mapping[str, Mapping[int, float]],
) -> list[str]:
    """Return a line for each way to select by which labels lose all their rows: the worst of its selections.

    Args:
        selections: Sections of the data.
        task: The data.
        setting: How trials train, and so what they draw.
        scores: What is known of training rows.
    """
    told = task.kind.labels_in(task.train)
    if told is None or task.pool is not None:
        # What is chosen from a pool stands beside all training rows.
        return []
    numbers = drawn(task, setting)[0]
    levers = Levers(replace(task, scores=scores), numbers, setting.seed)
    there = _labels(told, numbers.tolist())
    lost: dict[str, tuple[set[int], str]] = {}
    for data in selections:
        asked = SELECT.asked(data)
        if asked is None:
            continue
        chosen = levers.examples(data, np.arange(len(numbers)))
        lacking = there - _labels(told, numbers[chosen].tolist())
        if len(lacking) > len(lost.get(asked.word.name, ((), ""))[0]):
            how = ", ".join(f"{knob.name} {asked.knobs[knob.name]}" for knob in asked.word.knobs)
            by = f"{asked.word.name}{f' ({how})' if how else ''} with a share of {asked.knobs['share']:.3g}"
            lost[asked.word.name] = lacking, f"{by}, which is {len(chosen):,} of {len(numbers):,} rows,"
    names = task.kind.label_names(task.schema)
    return [
        f"data.select: {by} leaves no row of {len(lacking)} of {len(there)} labels to learn from: "
        f"{listed([repr(names[number]) for number in sorted(lacking)])}"
        for lacking, by in lost.values()
    ]


def _labels(told: Sequence[Iterable[int]], numbers: Iterable[int]) -> set[int]:
    return {int(label) for number in numbers for label in told[number]}
