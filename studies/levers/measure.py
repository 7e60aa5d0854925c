"""Train with data levers and without, and search both, in pieces that resume.

    python -m studies.levers.measure --minutes 60      # begins no piece after an hour
    python -m studies.levers.measure --tasks sick      # two of these at once, a task each, where there are two cores
    python -m studies.levers.show                      # prints the tables of README.md

A piece is one lever on one task, at stock LoRA with three seeds, or a search of 24 trials and three trainings of what
was best on validation, in a space with levers or in the same one without. Each writes a file in
`studies/levers/results`. All trainings of a task make as many steps.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from autopeft.launch import Preparation, SearchPlan, prepare
from autopeft.levers import scores_named
from autopeft.methods import VOCABULARY
from autopeft.space import Configuration, SearchSpace, canonical, load_space
from studies.arena.record import SHARED
from studies.searching import best_of_search
from studies.trainings import scored

__all__ = ["LEVERS", "RESULTS", "SEARCHES", "TASKS", "file_of"]

RESULTS = Path(__file__).parent / "results"

#: The tasks; of SST-2 there are so few examples that what is learned from counts.
TASKS = ("sick", "sst2-300")

#: What trials learn from, beside nothing changed.
LEVERS: Mapping[str, Mapping[str, Any]] = {
    "none": {},
    "half, random": {"select": "random", "share": 0.5},
    "a fifth, random": {"select": "random", "share": 0.2},
    "half, by optimal transport": {"select": "optimal_transport", "share": 0.5},
    "half, by influence": {"select": "influence", "share": 0.5},
    "EDA": {"augment": "eda"},
    "mixup": {"augment": "mixup"},
    "contrastive term": {"contrastive": "supervised"},
}

#: The searches, with levers and without, by name: three of each, told apart by their seeds.
SEARCHES = {f"{how}, seed {seed}": (how == "levers", seed) for how in ("levers", "plain") for seed in range(3)}

#: Seeds that no search has used, trials of a search, rows of SST-2 that are learned from and measured on.
_SEEDS, _TRIALS, _LEARNED, _MEASURED = (101, 102, 103), 24, 300, 500


def main() -> None:
    """Measure what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--minutes", type=float, default=np.inf, help="begin no piece after so long")
    given = parser.parse_args()
    began = time.monotonic()
    RESULTS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        prepared = {task: prepare(SearchPlan.of(_plan(task, Path(folder)))) for task in given.tasks}
        for name in (*LEVERS, *SEARCHES):
            for task in given.tasks:
                file = file_of(task, name)
                if file.is_file():
                    continue
                if time.monotonic() - began > 60 * given.minutes:
                    return
                started = time.monotonic()
                _measure(prepared[task], name, file)
                print(f"{file.name}: {time.monotonic() - started:.0f} s", flush=True)


def file_of(task: str, name: str) -> Path:
    """Return where a piece is written."""
    return RESULTS / f"{task}-{name.lower().replace(',', '').replace(' ', '-')}.json"


def _plan(task: str, folder: Path) -> dict[str, Any]:
    if task == "sick":
        columns = {"text": "sentence_A", "text2": "sentence_B", "label": "entailment_judgment"}
        return {"data": str(SHARED / "sick"), **columns}
    with (SHARED / "sst2" / "train.tsv").open(encoding="utf8", newline="") as file:
        header, *rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
    for name, part in (("train", rows[:_LEARNED]), ("validation", rows[_LEARNED : _LEARNED + _MEASURED])):
        (folder / f"{name}.tsv").write_text(
            "\n".join("\t".join(row) for row in [header, *part]) + "\n", encoding="utf8"
        )
    (folder / "test.tsv").write_bytes((SHARED / "sst2" / "dev.tsv").read_bytes())
    return {"data": str(folder), "text": "sentence", "label": "label"}


def _measure(prepared: Preparation, name: str, file: Path) -> None:
    started = time.perf_counter()
    found = _searched(prepared, *SEARCHES[name]) if name in SEARCHES else _with_lever(prepared, LEVERS[name])
    job, asked = prepared.job, scores_named(found.data)
    if asked:
        job = replace(job, scores=job.score(tuple(asked)))
    picked = time.perf_counter() - started
    scores = scored(job, found, _SEEDS)
    row = {
        "configuration": found.to_dict(),
        "params": prepared.costs.params(found),
        "steps": prepared.setting.steps,
        "seconds": {"search": picked, "trainings": time.perf_counter() - started - picked},
        "examples": scores["test"].shape[1],
        # Right or wrong, a bit for each example of test, a text for each seed.
        "test": [np.packbits(each.astype(bool)).tobytes().hex() for each in scores["test"]],
        "validation": [float(each.mean()) for each in scores["validation"]],
    }
    file.write_text(json.dumps(row, indent=1) + "\n", encoding="utf8")


def _with_lever(prepared: Preparation, data: Mapping[str, Any]) -> Configuration:
    """Return stock LoRA, as every search is compared with it, that learns with a lever at its defaults."""
    written = prepared.stock.to_dict() | ({"data": data} if data else {})
    return canonical(written, VOCABULARY, prepared.backbone.shape)


def _searched(prepared: Preparation, levers: bool, seed: int) -> Configuration:
    """Return what is best on validation of a search in the space `data-levers`, or in it without its levers."""
    written = load_space("data-levers").to_dict()
    if not levers:
        del written["data"]
    space = SearchSpace.from_dict(written).bind(VOCABULARY, prepared.backbone.shape)
    return best_of_search(prepared, space, _TRIALS, seed=seed)


if __name__ == "__main__":
    main()
