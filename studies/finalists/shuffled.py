"""Search on labels that mean nothing, and count the selections that claim something.

    python -m studies.finalists.shuffled --out runs/shuffled

The same command goes on where it was interrupted.
"""

from __future__ import annotations

import argparse
import csv
import re
from pathlib import Path

import numpy as np

from autopeft.launch import SearchPlan, prepare, run_search
from autopeft.selection import read_finalists, select
from autopeft.tasks import Task, TaskSpec, load_task

__all__ = ["shuffle"]


def main() -> None:
    """Run the searches and print what each claims."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--shufflings", type=int, default=20)
    parser.add_argument("--workers", type=int, help="trainings at once; default: as a search chooses")
    given = parser.parse_args()
    task = load_task(TaskSpec.of("icd10"))
    assert isinstance(task, Task)
    claims = as_good = 0
    for seed in range(given.shufflings):
        folder = given.out / str(seed)
        if read_finalists(folder / "run") is None:
            files = shuffle(task, folder, seed)
            settings = {"trials": 15, "examples": 300, "epochs": 1, "seed": seed, "workers": given.workers}
            plan = SearchPlan.of({**files, "text": "text", "label": "label", "out": folder / "run", **settings})
            prepared = prepare(plan)
            select(prepared, run_search(prepared))
        file = read_finalists(folder / "run")
        assert file is not None
        searched = [each for each in file.finalists if each.baseline is None]
        claims += any(against.better for each in searched for against in each.against.values())
        as_good += re.match(r"trial \d+ is as good as", file.verdict) is not None
        print(f"{seed}: {file.verdict}", flush=True)
    print(f"{claims} of {given.shufflings} claim that something found is better than a reference")
    print(f"{as_good} of {given.shufflings} have as their headline that something found is as good as one")


def shuffle(task: Task, folder: Path, seed: int) -> dict[str, str]:
    """Write the splits of a task with labels in random order; return their files as a plan names them."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    files = {}
    for setting, split in zip(("data", "validation", "test"), task.splits.values(), strict=True):
        path = folder / f"{setting}.csv"
        with path.open("w", newline="", encoding="utf8") as file:
            labels = [task.schema.labels[label] for label in rng.permutation(split.labels)]
            csv.writer(file).writerows([("text", "label"), *zip(split.texts, labels, strict=True)])
        files[setting] = str(path)
    return files


if __name__ == "__main__":
    main()
