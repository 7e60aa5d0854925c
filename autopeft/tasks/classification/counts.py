"""How common labels are, for every kind whose examples have one each."""

from __future__ import annotations

from collections import Counter

from autopeft.tasks.classification.metrics import METRICS, score
from autopeft.tasks.metric import MOST_COMMON
from autopeft.tasks.task import Task

__all__ = ["common_in_words", "counts_by_label", "worth_of_common"]


def worth_of_common(task: Task) -> float | None:
    """Return what telling the most common label is worth on validation, by the metrics that are known here."""
    if task.metric not in METRICS:
        return None
    common = Counter(task.train.labels).most_common(1)[0][0]
    return score(task.metric, task.validation.labels, [common] * len(task.validation))


def common_in_words(task: Task) -> str:
    """Say how common the most common label is, and what says more than accuracy where it is."""
    common = Counter(task.train.labels).most_common(1)[0][1] / len(task.train)
    hint = ", so that accuracy says little: --metric macro_f1 or mcc says more"
    better = hint if common > MOST_COMMON and task.metric == task.kind.usual else ""
    return f"the most common label has {common:.1%} of train{better}"


def counts_by_label(task: Task) -> dict[str, dict[str, int]]:
    """Return how many examples of each split have each label."""
    counts = {name: Counter(split.labels) for name, split in task.splits.items()}
    return {
        label: {name: count[number] for name, count in counts.items()}
        for number, label in enumerate(task.schema.labels)
    }
