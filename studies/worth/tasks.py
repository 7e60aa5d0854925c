"""The tasks of the study, each with splits that everybody uses."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from studies.arena.record import SHARED

__all__ = ["TASKS", "WorthTask"]

#: Splits, in the order in which they are written.
_SPLITS = ("train", "validation", "test")

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class WorthTask:
    """A task.

    Args:
        files: Of train, validation and test those that there are, below the folder of shared data.
        columns: What `autopeft search` is told of columns.
        settings: What else it is told.
        searches: Seeds of the searches.
        trials: Trials of a search.
        to_test: Rows of train that go to test, where that is small or missing.
        to_validation: Likewise.
        most: Rows that are kept of a split, where training or measuring takes long.
    """

    files: Mapping[str, str]
    columns: Mapping[str, str]
    settings: Mapping[str, Any] = field(default_factory=dict)
    searches: Sequence[int] = (0, 1)
    trials: int = 24
    to_test: int = 0
    to_validation: int = 0
    most: Mapping[str, int] = field(default_factory=dict)

    def plan(self, folder: Path, seed: int = 0) -> dict[str, Any]:
        """Return the settings of a search, its data written to a folder where it is not there yet."""
        if not (folder / f"{_SPLITS[-1]}.jsonl").is_file():
            folder.mkdir(parents=True, exist_ok=True)
            for split, rows in self._splits().items():
                lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
                (folder / f"{split}.jsonl").write_text(lines, encoding="utf8")
        return {**self.columns, **self.settings, "data": str(folder), "trials": self.trials, "seed": seed}

    def _splits(self) -> Mapping[str, Rows]:
        """Return the rows of each split; what goes from train to others is drawn once."""
        rows = {split: list(_read(SHARED / file)) for split, file in self.files.items()}
        train = rows["train"]
        order = np.random.default_rng(0).permutation(len(train))
        test, validation, rest = np.split(order, [self.to_test, self.to_test + self.to_validation])
        moved = {"train": sorted(rest), "validation": validation, "test": test}
        kept = {split: () if split == "train" else rows.get(split, ()) for split in _SPLITS}
        found = {split: [*kept[split], *(train[at] for at in moved[split])] for split in _SPLITS}
        return {split: some[: self.most.get(split)] for split, some in found.items()}


def _read(file: Path) -> Iterator[Mapping[str, Any]]:
    with file.open(encoding="utf8", newline="") as lines:
        if file.suffix == ".jsonl":
            yield from map(json.loads, lines)
        elif file.suffix == ".tsv":
            yield from csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        else:
            yield from csv.DictReader(lines)


#: The tasks by name.
TASKS: Mapping[str, WorthTask] = {
    "sst2": WorthTask(
        {"train": "sst2/train.tsv", "test": "sst2/dev.tsv"},
        {"text": "sentence", "label": "label"},
        to_test=400,
        to_validation=800,
    ),
    "trec": WorthTask(
        {"train": "trec6/train.csv", "test": "trec6/test.csv"},
        {"text": "text", "label": "label"},
        to_test=600,
        to_validation=600,
    ),
    "sick": WorthTask(
        {"train": "sick/train.tsv", "validation": "sick/validation.tsv", "test": "sick/test.tsv"},
        {"text": "sentence_A", "text2": "sentence_B", "label": "entailment_judgment"},
    ),
    "banking77": WorthTask(
        {"train": "banking77/train.csv", "test": "banking77/test.csv"},
        {"text": "text", "label": "category"},
        to_validation=1000,
    ),
    "goemotions": WorthTask(
        {"train": "goemotions/train.csv", "validation": "goemotions/dev.csv", "test": "goemotions/test.csv"},
        {"text": "text", "label": "labels"},
        most={"train": 6000},
    ),
    "gsm8k": WorthTask(
        {"train": "gsm8k/train.jsonl", "test": "gsm8k/test.jsonl"},
        {},
        {"model": "smollm2", "examples": 60},
        searches=(0,),
        trials=8,
        to_validation=200,
        most={"train": 200, "test": 300},
    ),
}
