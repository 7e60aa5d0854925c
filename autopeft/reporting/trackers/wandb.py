"""Weights & Biases: a group for a study, in the project that `WANDB_PROJECT` names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autopeft.launch import SearchResult
    from autopeft.reporting.trackers.trial_record import TrialRecord

__all__ = ["WandB"]

#: The project where none is named.
_PROJECT = "autopeft"


class WandB:
    """Keeps each trial as a run of the group that is called like the study.

    Args:
        folder: The run folder.
        study: Name of the study.
    """

    def __init__(self, folder: Path, study: str) -> None:
        import wandb

        self._wandb = wandb
        self._folder, self._study = folder, study

    def trial(self, record: TrialRecord) -> None:
        """Log knobs as config, curves as history, figures as summary."""
        with self._run(record.name, dict(record.settings)) as run:
            for step, figures in record.curve:
                run.log(dict(figures), step=step)
            run.summary.update({**record.figures, "status": record.status})

    def front(self, result: SearchResult) -> None:
        """Log the front as a table."""
        table = result.front.to_pandas().drop(columns="configuration")
        with self._run("front", {}) as run:
            run.log({"front": self._wandb.Table(dataframe=table)})
            run.summary.update({"verdict": result.front.verdict})

    def _run(self, name: str, config: dict[str, Any]) -> Any:
        return self._wandb.init(
            project=os.environ.get("WANDB_PROJECT", _PROJECT),
            group=self._study,
            name=name,
            config=config,
            dir=str(self._folder),
            reinit="finish_previous",
        )
