"""MLflow: an experiment for a study, wherever `MLFLOW_TRACKING_URI` says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autopeft.launch import SearchResult
    from autopeft.reporting.trackers.trial_record import TrialRecord

__all__ = ["MLflow"]


class MLflow:
    """Keeps each trial as a run of the experiment that is called like the study.

    Args:
        folder: The run folder.
        study: Name of the study.
    """

    def __init__(self, folder: Path, study: str) -> None:
        import mlflow

        self._mlflow = mlflow
        self._study = study

    def trial(self, record: TrialRecord) -> None:
        """Log knobs as parameters, curves and figures as metrics."""
        mlflow = self._mlflow
        mlflow.set_experiment(self._study)
        with mlflow.start_run(run_name=record.name):
            mlflow.log_params(dict(record.settings))
            mlflow.set_tag("status", record.status)
            for step, figures in record.curve:
                mlflow.log_metrics(dict(figures), step=step)
            mlflow.log_metrics({f"final_{name}": value for name, value in record.figures.items()})

    def front(self, result: SearchResult) -> None:
        """Log the files of the front."""
        mlflow = self._mlflow
        mlflow.set_experiment(self._study)
        with mlflow.start_run(run_name="front"):
            mlflow.set_tag("verdict", result.front.verdict)
            for name in ("front.json", "front.csv", "front.png"):
                mlflow.log_artifact(str(result.folder / name))
