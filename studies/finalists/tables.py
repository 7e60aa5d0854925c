"""Recorded fine-tunes as the true accuracies of a simulation."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autopeft.space import Configuration

__all__ = ["SHARED_TABLES", "Table", "icd10", "peft", "repeats", "without_better"]

_ICD10 = Path(__file__).parents[1] / "arena" / "tables" / "icd10.jsonl"

#: Recorded runs of others, read where they are present.
SHARED_TABLES = Path(__file__).parents[2].parent / "shared" / "data" / "tables"

#: What PEFT's comparison has that is nearest to stock LoRA.
_STOCK_OF_PEFT = "lora--llama-3.2-3B-rank32"


@dataclass(frozen=True)
class Table:
    """Configurations with what each reaches on average over seeds and examples.

    Args:
        name: Its name.
        costs: Trainable parameters, `[n]`.
        accuracies: True accuracies, `[n]`.
        stock: Index of stock LoRA.
        head: Index of the model without adapters.
        untrained: Whether that is not even trained.
        validation: Validation examples.
        test: Test examples.
        texts: The configurations as text, `[n]`, where a search can be replayed on them.
    """

    name: str
    costs: NDArray[np.float64]
    accuracies: NDArray[np.float64]
    stock: int
    head: int
    untrained: bool
    validation: int
    test: int
    texts: tuple[str, ...] = ()


def icd10() -> Table:
    """Return the table of the default job that `studies.arena.record` records."""
    _, *rows = [json.loads(line) for line in _ICD10.read_text(encoding="utf8").splitlines()]
    rows = [row for row in rows if row["seed"] == 0]
    names = [row["name"] for row in rows]
    return Table(
        "icd10",
        np.array([row["cost"] for row in rows], float),
        np.array([row["accuracy"] for row in rows]),
        names.index("stock-lora"),
        names.index("head-only"),
        False,
        600,
        1200,
        tuple(Configuration.from_dict(row["configuration"]).text for row in rows),
    )


def repeats() -> list[NDArray[np.float64]]:
    """Return the accuracies of both seeds of each configuration that `icd10` has twice, `[2]`."""
    _, *rows = [json.loads(line) for line in _ICD10.read_text(encoding="utf8").splitlines()]
    by_name: dict[str, list[float]] = {}
    for row in rows:
        by_name.setdefault(row["name"], []).append(row["accuracy"])
    return [np.array(each) for each in by_name.values() if len(each) > 1]


def peft() -> Table:
    """Return PEFT's method comparison on MetaMathQA; its untouched model answers hardly anything.

    Raises:
        FileNotFoundError: When the recorded runs are not there.
    """
    recorded = (SHARED_TABLES / "peft-metamathqa.jsonl").read_text(encoding="utf8").splitlines()
    rows = [row for row in map(json.loads, recorded) if row["trainable"] < row["total"]]
    accuracies = [0.01, *(max(row["curve"][-1]["test accuracy"], 0.01) for row in rows)]
    return Table(
        "peft",
        np.array([0, *(row["trainable"] for row in rows)], float),
        np.array(accuracies),
        1 + [row["name"] for row in rows].index(_STOCK_OF_PEFT),
        0,
        True,
        600,
        1319,
    )


def without_better(table: Table) -> Table:
    """Return a table in which searching cannot help: what is better than stock LoRA is as good as it."""
    capped = np.minimum(table.accuracies, table.accuracies[table.stock])
    return replace(table, name=f"{table.name}, nothing better", accuracies=capped)
