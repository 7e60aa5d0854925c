"""A search as it goes, in a notebook: what a cell shows, redrawn in place."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from html import escape
from types import TracebackType
from typing import Any, Self

from autopeft.reporting.progress import Progress, band_cells, clock
from autopeft.study import Ask, Front

__all__ = ["NotebookProgress", "in_notebook"]

_CELL = 'style="text-align: left"'


def in_notebook() -> bool:
    """Tell whether this process is the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return shell is not None and "IPKernelApp" in shell.config


class NotebookProgress(Progress):
    """A bar, time left, the best of each cost band and what runs; what a user should know is printed beside it."""

    def __enter__(self) -> Self:
        from IPython.display import display

        self._shown: Any = display(self, display_id=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.running.clear()
        self._shown.update(self)

    def opened(self, done: int) -> None:
        """Start counting at the trials the study has already."""
        super().opened(done)
        self._shown.update(self)

    def started(self, trial: Ask) -> None:
        """Show that a trial has begun."""
        super().started(trial)
        self._shown.update(self)

    def measured(self, trial: Ask, point: Mapping[str, float]) -> None:
        """Show the time left as it is known now."""
        super().measured(trial, point)
        self._shown.update(self)

    def finished(self, trial: Ask, outcome: Mapping[str, Any], params: int, front: Front) -> None:
        """Show how a trial ended."""
        super().finished(trial, outcome, params, front)
        self._shown.update(self)

    def __repr__(self) -> str:
        return f"<NotebookProgress: {self._counts()}>"

    def _counts(self) -> str:
        left = self.remaining() if self.done < self.total else ""
        running = f"{len(self.running)} running" if self.running else ""
        counts = [f"{self.done}/{self.total} trials", running, f"{clock(time.time() - self.began)} elapsed", left]
        return ", ".join(filter(None, counts))

    def _line(self, text: str) -> None:
        print(text)

    def _repr_html_(self) -> str:
        """Return what the cell shows."""
        bar = f'<progress value="{self.done}" max="{self.total}" style="width: 20em"></progress>'
        parts = [f"<p>{bar} {escape(self._counts())}</p>"]
        if self.front is not None:
            rows = [
                "".join(f"<td {_CELL}>{escape(cell)}</td>" for cell in cells)
                for cells in band_cells(self.front, self.scale)
            ]
            head = "".join(f"<th {_CELL}>{word}</th>" for word in ("trains", "best", "configuration"))
            parts.append(f"<table><tr>{head}</tr>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>")
        parts += [f"<p>trial {number}: {escape(self.named(trial))}</p>" for number, trial in self.running.items()]
        return "".join(parts)
