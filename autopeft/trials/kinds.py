"""Which trials a kind of task has; a new kind is a line here and one in `autopeft.tasks.kinds`."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from autopeft.tasks import KINDS, Task
from autopeft.trials.audio import AudioTrials
from autopeft.trials.causal import CausalTrials
from autopeft.trials.classification import ClassificationTrials
from autopeft.trials.image import ImageTrials
from autopeft.trials.kind import TrialKind
from autopeft.trials.multilabel import MultilabelTrials
from autopeft.trials.preference import PreferenceTrials
from autopeft.trials.regression import RegressionTrials
from autopeft.trials.rerank import RerankTrials
from autopeft.trials.retrieve import RetrieveTrials
from autopeft.trials.several import SeveralTrials
from autopeft.trials.tokens import TokensTrials

__all__ = ["TRIALS", "kind_of", "trials_named"]

TRIALS: dict[str, type[TrialKind]] = {
    "classification": ClassificationTrials,
    "regression": RegressionTrials,
    "causal": CausalTrials,
    "preference": PreferenceTrials,
    "multilabel": MultilabelTrials,
    "tokens": TokensTrials,
    "rerank": RerankTrials,
    "retrieve": RetrieveTrials,
    "image": ImageTrials,
    "audio": AudioTrials,
    "several": SeveralTrials,  # type: ignore[type-abstract]
}


def kind_of(task: Task) -> TrialKind:
    """Return what trials of a task have of their own."""
    found = TRIALS[task.kind.name].reading(task.schema)(task.schema)
    found.metric = task.metric
    found.allow_code = task.allow_code
    return found


def trials_named(name: str, reads: Any = None) -> type[TrialKind]:
    """Return what trials of tasks of a kind have of their own.

    Args:
        name: Name of the kind.
        reads: The schema of the data as JSON data, where it is known.
    """
    found = TRIALS[name]
    return found if reads is None else found.reading(TypeAdapter(KINDS[name].schema).validate_python(reads))
