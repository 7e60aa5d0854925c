"""What of a run changes while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from autopeft.errors import StudyError
from autopeft.log_lines import in_words, read_log
from autopeft.reporting.report import page_of
from autopeft.reporting.run import read_run
from autopeft.selection.finalists_file import FINALISTS
from autopeft.study import TrialRow, load_study, trial_rows

__all__ = ["Live"]

#: Lines of the log that are shown.
_LINES = 12


@dataclass
class Live:
    """A run that may be at work.

    Args:
        folder: The run folder.
        trust_remote_code: Whether code that its model brings may run.
        plugin: The plugin that it was searched with, see `open_run`.
    """

    folder: Path
    trust_remote_code: bool = False
    plugin: Path | None = None

    def __post_init__(self) -> None:
        run = read_run(self.folder, self.trust_remote_code, self.plugin)
        self._storage, self._name = run.result.plan.storage, run.result.study.study_name
        self._rungs = run.result.plan.early_stopping
        self._total = run.result.plan.trials
        self._lock, self._kept = Lock(), ("", "")

    def state(self) -> dict[str, Any]:
        """Return what is at work, the last lines of the log, and a version that changes with what the page shows."""
        rows = trial_rows(load_study(self.folder, self._storage, self._name))
        ended = [row for row in rows if row.state not in ("running", "waiting")]
        return {
            "version": f"{len(ended)}-{self._selected()}",
            "done": f"{len(ended)} trials have ended; {self._total} are asked for",
            "running": [self._running(row) for row in rows if row.state == "running"],
            "log": self._log(),
        }

    def page(self) -> str:
        """Return the page as HTML."""
        version = self.state()["version"]
        with self._lock:
            if self._kept[0] != version:
                run = read_run(self.folder, self.trust_remote_code, self.plugin)
                self._kept = version, page_of(run, template="live")
            return self._kept[1]

    def _running(self, row: TrialRow) -> dict[str, Any]:
        minutes, seconds = divmod(round(row.seconds or 0), 60)
        return {
            "trial": row.trial,
            "in_words": row.baseline or row.in_words,
            "since": f"{minutes}:{seconds:02d}",
            "stops": self._rungs and row.baseline is None,
            "message": row.message,
        }

    def _selected(self) -> int:
        path = self.folder / FINALISTS
        return path.stat().st_mtime_ns if path.is_file() else 0

    def _log(self) -> list[str]:
        try:
            entries = [line.entry for line in read_log(self.folder) if line.entry is not None]
        except StudyError:
            return []
        return [in_words(entry) for entry in entries[-_LINES:]]
