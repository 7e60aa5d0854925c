"""Train published systems as published and after a search of their own knobs, in pieces that resume.

    python -m studies.seeds.measure --minutes 60       # begins no piece after an hour
    python -m studies.seeds.measure --tasks sick       # two of these at once, a task each, where there are two cores
    python -m studies.seeds.show                       # prints the tables of README.md, draws the figure

A piece is one system on one task: three trainings at its defaults, or a search of 12 trials and three trainings of what
was best on validation. Each writes a file in `studies/seeds/results`.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from autopeft.launch import Preparation, SearchPlan, prepare
from autopeft.launch.job import WorkerJob
from autopeft.methods import VOCABULARY
from autopeft.space import Configuration, SearchSpace, canonical
from autopeft.trials.setting import RUNGS
from studies.arena.record import SHARED
from studies.searching import best_of_search
from studies.seeds.systems import BESIDE, FACTOR, SYSTEMS, Contender
from studies.trainings import scored

__all__ = ["HOW", "RESULTS", "TASKS", "file_of"]

RESULTS = Path(__file__).parent / "results"

#: What searches of each task are told; budgets bind nobody here.
TASKS: Mapping[str, Mapping[str, Any]] = {
    "icd10": {"task": "icd10", "budget": "100%"},
    "sick": {
        "data": str(SHARED / "sick"),
        "text": "sentence_A",
        "text2": "sentence_B",
        "label": "entailment_judgment",
        "budget": "100%",
    },
}

#: How a system is trained: as published, or as a search of its own knobs found best.
HOW = ("published", "searched")

#: Seeds that no search has used, and trials of its own that a search has.
_SEEDS, _TRIALS = (101, 102, 103), 12


def main() -> None:
    """Measure what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--how", nargs="+", choices=HOW, default=list(HOW))
    parser.add_argument("--minutes", type=float, default=np.inf, help="begin no piece after so long")
    given = parser.parse_args()
    began = time.monotonic()
    prepared = {task: prepare(SearchPlan.of(dict(TASKS[task]))) for task in given.tasks}
    for how in given.how:
        for name, contender in {**BESIDE, **SYSTEMS}.items():
            for task in given.tasks:
                file = file_of(task, name, how)
                if file.is_file() or (how == "searched" and not contender.space):
                    continue
                if time.monotonic() - began > 60 * given.minutes:
                    return
                started = time.monotonic()
                _measure(prepared[task], contender, how, file)
                print(f"{file.name}: {time.monotonic() - started:.0f} s", flush=True)


def file_of(task: str, name: str, how: str) -> Path:
    """Return where a piece is written."""
    return RESULTS / f"{task}-{name.lower().replace(' ', '-')}-{how}.json"


def _measure(prepared: Preparation, contender: Contender, how: str, file: Path) -> None:
    started = time.perf_counter()
    job = prepared.job
    if contender.seconds_of:
        job = replace(job, setting=replace(job.setting, epochs=_as_long(prepared, contender)))
    found = _published(prepared, contender) if how == HOW[0] else _searched(prepared, contender, job)
    picked = time.perf_counter() - started
    scores = scored(job, found, _SEEDS, full=contender.full)
    row = {
        "configuration": found.to_dict(),
        "params": prepared.backbone.num_parameters if contender.full else prepared.costs.params(found),
        "active": prepared.backbone.num_parameters if contender.full else prepared.costs.active(found),
        "epochs": job.setting.epochs,
        "seconds": {"search": picked, "trainings": time.perf_counter() - started - picked},
        **{split: [float(each.mean()) for each in scores[split]] for split in scores},
    }
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(row, indent=1) + "\n", encoding="utf8")


def _published(prepared: Preparation, contender: Contender) -> Configuration:
    training = {"learning_rate": FACTOR * contender.rate, **contender.training}
    written = {"modules": contender.modules, "training": training}
    if contender.full:
        return Configuration.from_dict(written)
    return canonical(written, VOCABULARY, prepared.backbone.shape)


def _as_long(prepared: Preparation, contender: Contender) -> float:
    """Return in how many epochs a contender takes the seconds of another."""
    runner, seconds = prepared.job.runner(), []
    for each in ({**BESIDE, **SYSTEMS}[contender.seconds_of], contender):
        outcome = runner.run(_published(prepared, each), _SEEDS[0], until=RUNGS[1], brief=True, full=each.full)
        assert outcome.step_seconds, outcome.message
        seconds.append(outcome.step_seconds)
    epochs: float = prepared.job.setting.epochs * seconds[0] / seconds[1]
    return epochs


def _searched(prepared: Preparation, contender: Contender, job: WorkerJob) -> Configuration:
    """Return what is best on validation of trials in the space of a system alone."""
    training = {**contender.training, **contender.training_space}
    space = SearchSpace(name="own", modules=dict(contender.space), training=training)
    return best_of_search(prepared, space.bind(VOCABULARY, prepared.backbone.shape), _TRIALS, job=job)


if __name__ == "__main__":
    main()
