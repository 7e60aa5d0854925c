"""How the best learning rate of stock LoRA moves with the number of steps.

    python -m studies.lengths.measure sst2 snips gsm8k trec
    python -m studies.lengths.show                # prints the tables of README.md

writes `studies/lengths/TASK.jsonl`, a line as each training ends. The same command goes on where it was interrupted.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from autopeft.launch import Preparation, SearchPlan, prepare
from autopeft.methods import stock_lora
from autopeft.trials import TrialSetting, kind_of
from studies.arena.record import SHARED, TASKS
from studies.trainings import Training, trained

__all__ = ["DATA", "LENGTHS", "longer", "read", "wanted"]

HERE = Path(__file__).parent

#: Lengths as multiples of the steps of a trial.
LENGTHS = (1, 4, 16)

#: Seeds of each training.
_SEEDS = (0, 1)

#: Learning rates as powers of 2 of the one that stock LoRA has in trials: tried at first, and how far it may go on.
_FIRST, _FARTHEST = (-2, -1, 0, 1), 6

#: Settings of the searches by task; `trec` is not among those that the rule is fitted to.
DATA: Mapping[str, Mapping[str, Any]] = {
    "sst2": TASKS["sst2"],
    "snips": TASKS["snips"],
    "gsm8k": {"model": "smollm2", "data": str(SHARED / "gsm8k" / "train.jsonl")},
    "trec": TASKS["trec"],
}


def main() -> None:
    """Train what is missing of the tasks named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", nargs="+", choices=sorted(DATA))
    parser.add_argument("--lengths", nargs="+", type=int, choices=LENGTHS, default=LENGTHS)
    parser.add_argument("--workers", type=int, default=2, help="trainings at once")
    given = parser.parse_args()
    for task in given.tasks:
        prepared = prepare(SearchPlan.of(DATA[task]))
        for length in given.lengths:
            measure(task, prepared, length, given.workers)


def measure(task: str, prepared: Preparation, length: int, workers: int, folder: Path = HERE) -> None:
    """Train stock LoRA at one length: at four learning rates, and at further ones until the best lies between others.

    Args:
        task: Names the file.
        prepared: A search on the task.
        length: Steps, as a multiple of a trial's.
        workers: Trainings at once.
        folder: Where results are.
    """
    shape = prepared.backbone.shape
    stock = kind_of(prepared.task).stock_learning_rate(shape)
    setting = longer(prepared.setting, length, len(prepared.task.train))
    job = replace(prepared.job, setting=setting)
    first = likely([row for row in read(task, folder) if row["length"] < length])
    while missing := wanted([row for row in read(task, folder) if row["length"] == length], first):
        trainings = [
            Training((power, seed), task, job, stock_lora(shape, float(f"{stock * 2.0**power:.4g}")), seed)
            for power, seed in missing
        ]
        for (power, seed), outcome in trained(trainings, workers):
            done = outcome["status"] == "complete"
            row = {
                "length": length,
                "power": power,
                "seed": seed,
                "steps": setting.steps,
                "accuracy": outcome["accuracy"] if done else prepared.task.worst,
                "loss": outcome["curve"][-1]["loss"] if done else None,
            }
            with (folder / f"{task}.jsonl").open("a", encoding="utf8") as file:
                file.write(json.dumps(row) + "\n")


def longer(setting: TrialSetting, length: int, available: int) -> TrialSetting:
    """Return a setting of so many times the steps: more examples as long as there are any, then more epochs.

    Args:
        setting: That of a trial.
        length: How many times its steps.
        available: Training examples that there are.
    """
    examples = min(setting.examples * length, available)
    epochs = setting.epochs * length * setting.examples / examples
    return replace(setting, examples=examples, epochs=epochs, early_stopping=False)


def likely(shorter: Sequence[Mapping[str, Any]]) -> tuple[int, ...]:
    """Return the powers to begin with, given what has been trained at shorter lengths.

    They are the best of the length before and the two below it, and the best of the shortest, which is handed on.
    """
    lengths = sorted({row["length"] for row in shorter})
    if not lengths:
        return _FIRST
    before, shortest = (
        _best(row for row in shorter if row["length"] == length) for length in (lengths[-1], lengths[0])
    )
    return tuple(sorted({before - 2, before - 1, before, shortest}))


def wanted(rows: Sequence[Mapping[str, Any]], first: Sequence[int] = _FIRST) -> list[tuple[int, int]]:
    """Return which powers and seeds are to be trained next at one length; none when the best lies between others.

    Args:
        rows: What has been trained at this length.
        first: The powers to begin with.
    """
    done = {(row["power"], row["seed"]) for row in rows}
    tried = sorted({power for power, _ in done} | {*first})
    missing = [(power, seed) for power in tried for seed in _SEEDS if (power, seed) not in done]
    if missing:
        return missing
    best = _best(rows)
    further = {tried[0]: tried[0] - 1, tried[-1]: tried[-1] + 1}.get(best)
    return [] if further is None or abs(further) > _FARTHEST else [(further, seed) for seed in _SEEDS]


def _best(rows: Iterable[Mapping[str, Any]]) -> int:
    """Return the power of the highest accuracy, summed over seeds."""
    by_power: dict[int, float] = defaultdict(float)
    for row in rows:
        by_power[row["power"]] += row["accuracy"]
    return max(by_power, key=lambda power: by_power[power])


def read(task: str, folder: Path = HERE) -> list[dict[str, Any]]:
    """Return what has been trained of a task."""
    file = folder / f"{task}.jsonl"
    return [json.loads(line) for line in file.read_text(encoding="utf8").splitlines()] if file.is_file() else []


if __name__ == "__main__":
    main()
