"""Record a table: random configurations of three spaces, and ladders, trained to the end as the search's own trials.

    python -m studies.arena.record icd10
    python -m studies.arena.record sst2 snips

writes `studies/arena/tables/TASK.jsonl`, a line as each trial finishes; several tasks take turns. The same command goes
on with a recording that was interrupted.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from autopeft.launch import Preparation, SearchPlan, prepare
from autopeft.launch.baselines import baselines_of
from autopeft.methods import HEAD_ONLY, REFERENCES, STOCK_LEARNING_RATE
from autopeft.space import Configuration
from studies.arena.ladders import ladders
from studies.trainings import Training, trained

__all__ = ["TABLES", "TASKS", "Case", "cases"]

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
TABLES = Path(__file__).parent / "tables"

#: The spaces drawn from, by what their rows are called.
SPACES = {"autopeft": str(Path(__file__).with_name("adapters.yaml")), "lora": "lora", "default": "default"}

#: Configurations drawn from each space, and how many of all are trained with a second seed; fewer of later tasks.
_DRAWN = 50
_FEWER = {"trec": 25, "banking77": 25}

#: Trials of a search that has all baselines, and their names; the first is what tables are scored by.
_TRIALS = 24
_BASELINES = ("head-only", *(each.name for each in REFERENCES))

#: Settings of the searches of each task.
TASKS: Mapping[str, Mapping[str, Any]] = {
    "icd10": {"task": "icd10"},
    "sst2": {
        "data": str(SHARED / "sst2" / "train.tsv"),
        "validation": SHARED / "sst2" / "dev.tsv",
        "text": "sentence",
        "label": "label",
    },
    "snips": {
        "data": str(SHARED / "snips" / "train.csv"),
        "validation": SHARED / "snips" / "valid.csv",
        "test": SHARED / "snips" / "test.csv",
        "text": "text",
        "label": "label",
    },
    "trec": {
        "data": str(SHARED / "trec6" / "train.csv"),
        "test": SHARED / "trec6" / "test.csv",
        "text": "text",
        "label": "label",
    },
    "banking77": {
        "data": str(SHARED / "banking77" / "train.csv"),
        "test": SHARED / "banking77" / "test.csv",
        "text": "text",
        "label": "category",
    },
}


@dataclass(frozen=True)
class Case:
    """One trial to record.

    Args:
        name: Where the configuration comes from: `SPACE-NUMBER`, `LADDER-NUMBER`, or the name of a baseline.
        configuration: What is trained.
        seed: Seed of the trial.
    """

    name: str
    configuration: Configuration
    seed: int

    @property
    def baseline(self) -> bool:
        """Whether a search runs it first."""
        return self.name in _BASELINES


def cases(task: str, jobs: Mapping[str, Preparation]) -> list[Case]:
    """Return what is trained, in order: baselines, first seeds of the spaces in turn, second seeds, ladders.

    Args:
        task: One of `TASKS`.
        jobs: The search of each space, on the data of the task.
    """
    drawn = _FEWER.get(task, _DRAWN)
    draws = {name: _draws(job, drawn) for name, job in jobs.items()}
    first = [Case(f"{name}-{number}", draws[name][number], seed=0) for number in range(drawn) for name in SPACES]
    job = jobs["autopeft"]
    shape = job.backbone.shape
    baselines = baselines_of(shape, STOCK_LEARNING_RATE, _TRIALS)
    known = [Case(name, baselines[name], seed=0) for name in _BASELINES]
    rungs = [
        Case(f"{name}-{number}", rung, seed=0)
        for name, ladder in ladders(shape).items()
        for number, rung in enumerate(ladder)
        if rung not in baselines.values() and job.costs.params(rung) <= job.scale.limit
    ]
    return [*known, *first, *(replace(case, seed=1) for case in first[:drawn]), *rungs]


def _draws(job: Preparation, number: int) -> list[Configuration]:
    """Draw configurations uniformly from the space, each once, within the budget and not without adapters."""
    rng = np.random.default_rng(0)
    found: dict[str, Configuration] = {}
    while len(found) < number:
        configuration = job.space.decode(job.space.sample(rng))
        if 0 < job.costs.params(configuration) <= job.scale.limit:
            found.setdefault(configuration.text, configuration)
    return list(found.values())


class Recording:
    """The table of one task, as far as it is recorded.

    Its first line says how it is scored (see `autopeft.samplers.hypervolume`), each other one is a trial;
    `studies.stopping.tables` reads it too. What was trained and how is in the JSON file beside it.

    Args:
        task: One of `TASKS`.
        folder: Where tables are.
    """

    def __init__(self, task: str, folder: Path) -> None:
        self.task = task
        self.jobs = {name: prepare(SearchPlan.of({**TASKS[task], "space": space})) for name, space in SPACES.items()}
        self.job = self.jobs["autopeft"]
        self._file = folder / f"{task}.jsonl"
        spec = self.job.spec.to_dict()
        about = {key: spec[key] for key in ("model", "data", "budget", "metric", "trial", "precision")}
        (folder / f"{task}.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf8")

    def missing(self) -> Iterator[Case]:
        """Yield what is not recorded yet, in order."""
        done = {(row["name"], row["seed"]) for row in self._rows()}
        return (case for case in cases(self.task, self.jobs) if (case.name, case.seed) not in done)

    def add(self, case: Case, outcome: Mapping[str, Any]) -> None:
        """Write a line; the first one, the head-only baseline's, fixes how the table is scored."""
        failed = outcome["status"] != "complete"
        row = {
            "name": case.name,
            "seed": case.seed,
            "configuration": case.configuration.to_dict(),
            "cost": self.job.costs.params(case.configuration),
            "accuracy": self.job.task.worst if failed else outcome["accuracy"],
            "baseline": case.baseline,
            "status": outcome["status"],
            "curve": outcome["curve"],
        }
        rows = [row]
        if not self._file.is_file():
            cheapest = min(job.scale.cheapest for job in self.jobs.values())
            rows.insert(0, {"limit": self.job.scale.limit, "reference": outcome["accuracy"], "cheapest": cheapest})
        with self._file.open("a", encoding="utf8") as out:
            out.writelines(json.dumps(each) + "\n" for each in rows)

    def _rows(self) -> list[dict[str, Any]]:
        if not self._file.is_file():
            return []
        return [json.loads(line) for line in self._file.read_text(encoding="utf8").splitlines()[1:]]


def record(tasks: Sequence[str], folder: Path, workers: int) -> None:
    """Record the tables of tasks, in turn.

    Args:
        tasks: Names in `TASKS`.
        folder: Where to write.
        workers: Trials at once.

    Raises:
        RuntimeError: When a trial fails by a fault in code or data.
    """
    recordings = [Recording(task, folder) for task in tasks]
    queues = [(recording, list(recording.missing())) for recording in recordings]
    longest = max(len(queue) for _, queue in queues)
    order = [(recording, queue[at]) for at in range(longest) for recording, queue in queues if at < len(queue)]
    # Head-only alone first: a table begins with what it is scored by.
    baselines = [entry for entry in order if entry[1].configuration == HEAD_ONLY]
    recording_of = {recording.task: recording for recording in recordings}
    for some in (baselines, [entry for entry in order if entry not in baselines]):
        trainings = [
            Training((recording.task, case), recording.task, recording.job.job, case.configuration, case.seed)
            for recording, case in some
        ]
        for (task, case), outcome in trained(trainings, workers):
            recording_of[task].add(case, outcome)


def main() -> None:
    """Record the tables named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", nargs="+", choices=sorted(TASKS))
    parser.add_argument("--out", type=Path, default=TABLES, help="folder of the tables")
    parser.add_argument("--workers", type=int, default=2, help="trials at once")
    given = parser.parse_args()
    record(given.tasks, given.out, given.workers)


if __name__ == "__main__":
    main()
