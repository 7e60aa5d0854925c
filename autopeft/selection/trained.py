"""The trained adapters of a pick, where `autopeft select` has trained them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from autopeft.selection.finalists_file import read_finalists
from autopeft.selection.selected import is_of
from autopeft.space import Configuration
from autopeft.study import FrontRow

__all__ = ["Choice", "choice_of"]


@dataclass(frozen=True)
class Choice:
    """A pick, as it was trained best.

    Args:
        configuration: What was trained; of a finalist with the learning rate that it used.
        trained: Folder of adapters and head of the finalist's best seed on validation; None for what is no finalist.
        seed: That seed; None likewise.
        epochs: Epochs that finalists were trained for; None likewise.
    """

    configuration: Configuration
    trained: Path | None = None
    seed: int | None = None
    epochs: float | None = None


def choice_of(run: Path, row: FrontRow) -> Choice:
    """Return what became of a row of a run's front.

    Args:
        run: The run folder.
        row: The row.
    """
    file = read_finalists(run)
    for finalist in () if file is None else file.finalists:
        if is_of(finalist, row):
            best = max(finalist.seeds, key=lambda result: result.validation)
            folder = run / best.folder
            return Choice(
                Configuration.from_dict(finalist.configuration),
                folder if folder.is_dir() else None,
                best.seed,
                None if file is None else file.setting.epochs,
            )
    return Choice(Configuration.from_dict(row.configuration))
