"""What `tests/gpu` recorded of machines: one JSON file each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from studies.hardware.rows import COLUMNS, PRETENDED, ROWS

__all__ = ["HERE", "Cell", "Record", "column_of", "read_records", "word"]

HERE = Path(__file__).parent


@dataclass
class Cell:
    """What came of the tests of a row.

    Args:
        passed: How many passed.
        failed: How many failed.
        skipped: How many were skipped.
        seconds: What they took.
        reasons: Why tests were skipped or failed, each once.
    """

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    reasons: list[str] = field(default_factory=list)

    @property
    def word(self) -> str | None:
        """What the table says; None where nothing ran."""
        if self.failed:
            return "fails"
        if not self.passed:
            return None
        return "in part" if self.skipped else "yes"


@dataclass
class Record:
    """What ran on a machine.

    Args:
        device: `cpu` or `cuda`.
        count: Devices that trials could use.
        name: The processor, or the card.
        environment: System, cores and memory, versions.
        cells: By row, then by precision: `fp32` and `bf16` on a processor, `auto` on a card.
        timings: What was timed, by name.
    """

    device: str
    count: int
    name: str
    environment: dict[str, str]
    cells: dict[str, dict[str, Cell]] = field(default_factory=dict)
    timings: dict[str, dict[str, Any]] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return it as text that `of_json` reads."""
        return json.dumps(asdict(self), indent=1) + "\n"

    @classmethod
    def of_json(cls, text: str) -> Record:
        """Read what `to_json` wrote."""
        data = json.loads(text)
        cells = {row: {name: Cell(**cell) for name, cell in passes.items()} for row, passes in data["cells"].items()}
        return cls(**{**data, "cells": cells})


def read_records(folder: Path = HERE) -> list[Record]:
    """Return the records of a folder, by the names of their files."""
    return [Record.of_json(path.read_text(encoding="utf8")) for path in sorted(folder.glob("*.json"))]


def column_of(record: Record, precision: str) -> str:
    """Return the column that a pass of a record stands in."""
    if record.device == "cpu":
        return f"cpu-{precision}"
    return "cuda" if record.count == 1 else "cudas"


def word(records: Sequence[Record], row: str, column: str) -> str:
    """Return what the table says of a row and a column: the worst of what was recorded there."""
    assert row in ROWS
    assert column in COLUMNS
    found = {
        cell.word
        for record in records
        for precision, cell in record.cells.get(row, {}).items()
        if column_of(record, precision) == column
    }
    for said in ("fails", "in part", "yes"):
        if said in found:
            return said
    return "pretended" if (row, column) in PRETENDED else "never run"
