"""TensorBoard: event files in the run folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autopeft.launch import SearchResult
    from autopeft.reporting.trackers.trial_record import TrialRecord

__all__ = ["TensorBoard"]


class TensorBoard:
    """Keeps each trial in a folder below `tensorboard` in the run folder.

    Args:
        folder: The run folder.
        study: Name of the study.
    """

    def __init__(self, folder: Path, study: str) -> None:
        self._folder = folder / "tensorboard"

    def trial(self, record: TrialRecord) -> None:
        """Write curves as scalars, knobs and figures as hyperparameters."""
        from torch.utils.tensorboard import SummaryWriter

        with SummaryWriter(str(self._folder / record.name)) as writer:
            for step, figures in record.curve:
                for name, value in figures.items():
                    writer.add_scalar(name, value, step)
            # TensorBoard knows no empty values.
            knobs = {name: "" if value is None else value for name, value in record.settings.items()}
            figures = {f"final/{name}": value for name, value in record.figures.items()}
            writer.add_hparams(knobs | {"status": record.status}, figures, run_name=".")

    def front(self, result: SearchResult) -> None:
        """Write the front as a table in Markdown."""
        from torch.utils.tensorboard import SummaryWriter

        table = result.front.to_pandas()[["trial", "params", "accuracy", "in_words"]]
        lines = ["| " + " | ".join(table.columns) + " |", "| " + " | ".join("---" for _ in table.columns) + " |"]
        lines += ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in table.to_numpy()]
        with SummaryWriter(str(self._folder / "front")) as writer:
            writer.add_text("front", "\n".join(lines))
            writer.add_text("verdict", result.front.verdict)
