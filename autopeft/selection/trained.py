"""The trained adapters of a pick, where `autopeft select` has trained them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from autopeft.launch import SearchResult
from autopeft.selection.finalists_file import read_finalists
from autopeft.selection.selected import is_of
from autopeft.space import Configuration
from autopeft.study import FrontRow
from autopeft.trials import steps_of

__all__ = ["Choice", "choice_of"]


@dataclass(frozen=True)
class Choice:
    """A pick, as it was trained best.

    Args:
        configuration: What was trained; of a finalist with the learning rate that it used.
        steps: Optimiser steps of the trainings that found that rate good.
        trained: Folder of adapters and head of the finalist's best seed on validation; None for what is no finalist.
        seed: That seed; None likewise.
        epochs: Epochs that finalists were trained for; None likewise.
    """

    configuration: Configuration
    steps: int
    trained: Path | None = None
    seed: int | None = None
    epochs: float | None = None


def choice_of(run: SearchResult, row: FrontRow) -> Choice:
    """Return what became of a row of a run's front.

    Args:
        run: The run.
        row: The row.
    """
    trial = run.study.user_attrs["spec"]["trial"]
    steps = steps_of(trial["examples"], trial["epochs"], trial["batch_size"])
    file = read_finalists(run.folder)
    if file is not None:
        for finalist in (each for each in file.finalists if is_of(each, row)):
            best = max(finalist.seeds, key=lambda result: result.validation)
            folder = run.folder / best.folder
            if finalist.baseline is not None:
                # Of references alone the learning rate was chosen among finalists.
                steps = steps_of(file.setting.examples, file.setting.epochs, trial["batch_size"])
            return Choice(
                Configuration.from_dict(finalist.configuration),
                steps,
                folder if folder.is_dir() else None,
                best.seed,
                file.setting.epochs,
            )
    return Choice(Configuration.from_dict(row.configuration), steps)
