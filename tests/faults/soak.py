"""Hundreds of trials of which many fail, and what they leave: `python -m tests.faults.soak`.

Desk, study, leases and log are a search's; trials take no time and end as a seed says, a twentieth in each fault.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import optuna
import psutil

from autopeft.launch import Desk
from autopeft.launch.desk import Silent
from autopeft.launch.run_log import RunLog
from autopeft.samplers import make_sampler
from autopeft.study import counts, open_study, outcome_of
from tests.faults.driver import SPACE_HERE
from tests.launch.conftest import SCALE, SPEC, complete, cost

__all__ = ["FAULTS", "soak"]

FAULTS = ("oom", "nan", "timeout", "error", "killed")

_CURVE = [{"step": step, "accuracy": 0.5, "loss": 0.5, "seconds": 1.0} for step in (1, 2, 4, 8, 16)]


def soak(folder: Path, trials: int = 500) -> dict[str, Any]:
    """Search in a folder and return the figures.

    Args:
        folder: The run folder.
        trials: Trials in all.

    Returns:
        `trials`, those counted; `statuses`; `folder`, its MiB when 200 were done and at the end; `memory`, resident
        MiB of this process at each further hundred.
    """
    sampler = make_sampler("random", SPACE_HERE, cost, SCALE.limit, seed=0)
    study = open_study(folder, SPEC, sampler, name="soak", storage=None, fresh=False)
    study.set_user_attr("scale", asdict(SCALE))
    chance, process = random.Random(0), psutil.Process()
    held, sizes = [], {}
    with RunLog(folder, Silent()) as log:
        desk = Desk(study, SPACE_HERE, cost, SCALE, trials, 0.0, listener=log)
        while not desk.done:
            trial = desk.next()
            assert trial is not None
            desk.begun(trial.number)
            _end(desk, trial.number, chance)
            if trial.number % 100 == 99:
                held.append(_mib(process.memory_info().rss))
                sizes[trial.number + 1] = _size(folder)
    ended = [trial for trial in study.get_trials(deepcopy=False) if trial.state.is_finished()]
    return {
        "trials": sum(counts(trial) for trial in ended),
        "statuses": Counter(outcome_of(trial)["status"] for trial in ended),
        "folder": {"200": sizes[200], "all": _size(folder)},
        "memory": held,
    }


def _end(desk: Desk, number: int, chance: random.Random) -> None:
    fate = chance.choices((*FAULTS, "complete"), weights=(5, 5, 5, 5, 5, 75))[0]
    if fate == "killed":
        desk.lost(number, "its worker died")
    elif fate == "complete":
        desk.record(number, {**complete(chance.random()), "curve": _CURVE, "metrics": {"accuracy": 0.5}})
    else:
        detail = "Traceback (most recent call last):\n" + "  somewhere\n" * 40 if fate == "error" else ""
        failed = {"status": fate, "message": "x" * 300, "detail": detail, "seconds": 1.0, "curve": _CURVE[:2]}
        desk.record(number, failed)


def _size(folder: Path) -> float:
    return _mib(sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()))


def _mib(size: int) -> float:
    return round(size / 2**20, 1)


def main() -> None:
    """Search, and record the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", type=Path, help="a JSON file")
    asked = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        found = soak(Path(folder))
    print(found)
    if asked.record:
        asked.record.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
