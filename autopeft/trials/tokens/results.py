"""How well words are tagged: figures, results by type, and what each sentence has to do with a figure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from autopeft.tasks.tokens import count_entities, marks_entities
from autopeft.tasks.tokens.kind import ENTITY_F1, TOKEN_ACCURACY
from autopeft.trials.example_scores import pseudo_values, scores_of_counts
from autopeft.trials.measured import LabelResult, Measured
from autopeft.trials.tokens.told import Told

__all__ = ["measured", "scores"]


def measured(labels: Sequence[str], told: Told) -> Measured:
    """Return the metrics with the loss, and the result by type of entity; by tag where tags mark no entities."""
    figures = {TOKEN_ACCURACY: float((told.truth == told.told).mean()), "loss": told.loss}
    if not marks_entities(labels):
        counts = (np.bincount(each, minlength=len(labels)) for each in _of_tags(told))
        return Measured(figures, _by_label(labels, *counts))
    found = count_entities(labels, told.sentence, told.truth, told.told)
    by_type = _by_label(found.types, found.right[1], found.told[1], found.there[1])
    return Measured({ENTITY_F1: found.f1, **figures}, by_type)


def scores(metric: str, labels: Sequence[str], told: Told) -> NDArray[np.float64]:
    """Return for each sentence a score whose mean is the metric, `[sentences]`."""
    if metric == ENTITY_F1:
        found = count_entities(labels, told.sentence, told.truth, told.told)
        return pseudo_values(found.f1, found.f1_without)
    right = np.bincount(told.sentence, told.truth == told.told)
    return scores_of_counts(right.astype(np.float64), np.bincount(told.sentence).astype(np.float64))


def _of_tags(told: Told) -> Iterable[NDArray[np.int64]]:
    """Return the tags that are told rightly, those that are told, and those that there are."""
    return told.truth[told.truth == told.told], told.told, told.truth


def _by_label(
    names: Sequence[str], right: NDArray[np.int64], told: NDArray[np.int64], there: NDArray[np.int64]
) -> tuple[LabelResult, ...]:
    return tuple(
        LabelResult(name, _share(hits, guessed), _share(hits, having), int(having))
        for name, hits, guessed, having in zip(names, right, told, there, strict=True)
    )


def _share(part: np.int64, whole: np.int64) -> float | None:
    return float(part / whole) if whole else None
