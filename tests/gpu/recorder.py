"""Writes down what came of the tests of each row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from studies.hardware.records import Cell, Record
from studies.hardware.rows import ROWS
from tests.gpu.machine import file_name, new_record

__all__ = ["Recorder"]

#: As much of a failure as a table holds.
_LONGEST = 200


class Recorder:
    """Counts what tests report, by row and precision.

    Args:
        device: `cpu` or `cuda`.
    """

    def __init__(self, device: str) -> None:
        self._record = new_record(device)

    def note(self, item: pytest.Item, report: pytest.TestReport) -> None:
        """Count a report of a test; one that has set up or was taken down well says only how long that took."""
        marker = item.get_closest_marker("cell")
        if marker is None:
            return
        [row] = marker.args
        assert row in ROWS, f"no row {row!r}; expected one of {', '.join(ROWS)}"
        given = getattr(item, "callspec", None)
        usual = "fp32" if self._record.device == "cpu" else "auto"
        precision = given.params.get("precision", usual) if given else usual
        cell = self._record.cells.setdefault(row, {}).setdefault(precision, Cell())
        cell.seconds = round(cell.seconds + report.duration, 2)
        if report.when != "call" and report.passed:
            return
        setattr(cell, report.outcome, getattr(cell, report.outcome) + 1)
        reason = _reason(report)
        if reason and reason not in cell.reasons:
            cell.reasons.append(reason)

    def timed(self, name: str, figures: dict[str, Any]) -> None:
        """Keep what was timed under a name."""
        self._record.timings[name] = figures

    def write(self, folder: Path) -> None:
        """Write the record; rows of an earlier one of the same versions stay where this one has none."""
        path = folder / file_name(self._record)
        record = self._record
        earlier = Record.of_json(path.read_text(encoding="utf8")) if path.is_file() else None
        if earlier is not None and earlier.environment == record.environment:
            for row in ROWS:
                found = earlier.cells.get(row, {}) | record.cells.get(row, {})
                if found:
                    record.cells[row] = found
            record.timings = earlier.timings | record.timings
        record.cells = {row: dict(sorted(record.cells[row].items())) for row in ROWS if row in record.cells}
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(record.to_json(), encoding="utf8")


def _reason(report: pytest.TestReport) -> str:
    """Return why a test did not pass, in one line of a table."""
    if report.passed:
        return ""
    if isinstance(report.longrepr, tuple):
        said = report.longrepr[2].removeprefix("Skipped: ")
    else:
        crash = getattr(report.longrepr, "reprcrash", None)
        said = crash.message if crash else str(report.longrepr)
    return " ".join(said.replace("|", "/").split())[:_LONGEST]
