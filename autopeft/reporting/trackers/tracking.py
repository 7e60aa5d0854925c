"""Follow a search, and tell trackers of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from autopeft.launch import Listener, SearchResult
from autopeft.reporting.trackers.mlflow import MLflow
from autopeft.reporting.trackers.tensorboard import TensorBoard
from autopeft.reporting.trackers.trial_record import TrialRecord, record_of
from autopeft.reporting.trackers.wandb import WandB
from autopeft.study import Ask, Front

__all__ = ["TRACKERS", "Tracker", "Tracking", "trackers_of"]


class Tracker(Protocol):
    """Somewhere that runs are kept to be looked at."""

    def trial(self, record: TrialRecord) -> None:
        """Keep a trial as a run of its own."""

    def front(self, result: SearchResult) -> None:
        """Keep the front as a run of its own."""


#: Trackers by the names that transformers has for them; each is made for a run folder and a study.
TRACKERS: Mapping[str, Callable[[Path, str], Tracker]] = {
    "tensorboard": TensorBoard,
    "mlflow": MLflow,
    "wandb": WandB,
}


def trackers_of(names: Sequence[str], folder: Path, study: str) -> dict[str, Tracker]:
    """Return trackers by name.

    Args:
        names: Which; `autopeft.training.reports.check_reports` has looked at them.
        folder: The run folder.
        study: Name of the study.
    """
    return {name: TRACKERS[name](folder, study) for name in names}


class Tracking:
    """A listener that tells trackers of what it hears, and passes it on.

    A tracker that fails is told of once and left alone from then on: a search does not end for it.

    Args:
        listener: Who else follows.
        trackers: By name.
    """

    def __init__(self, listener: Listener, trackers: Mapping[str, Tracker]) -> None:
        self._listener = listener
        self._trackers = dict(trackers)

    def opened(self, done: int) -> None:
        """Pass it on."""
        self._listener.opened(done)

    def started(self, trial: Ask) -> None:
        """Pass it on."""
        self._listener.started(trial)

    def measured(self, trial: Ask, point: Mapping[str, float]) -> None:
        """Pass it on: trackers have the whole curve at the end."""
        self._listener.measured(trial, point)

    def finished(self, trial: Ask, outcome: Mapping[str, Any], params: int, front: Front) -> None:
        """Pass it on, and tell of the trial."""
        self._listener.finished(trial, outcome, params, front)
        record = record_of(trial, outcome, params)
        self._tell(lambda tracker: tracker.trial(record))

    def said(self, message: str) -> None:
        """Pass it on."""
        self._listener.said(message)

    def ended(self, result: SearchResult) -> None:
        """Tell of the front."""
        self._tell(lambda tracker: tracker.front(result))

    def _tell(self, tell: Callable[[Tracker], None]) -> None:
        for name, tracker in list(self._trackers.items()):
            try:
                tell(tracker)
            except Exception as error:  # trackers raise errors of many libraries
                del self._trackers[name]
                self._listener.said(f"nothing more is reported to {name}: {' '.join(str(error).split())}")
