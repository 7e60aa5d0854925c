"""Measure what the driver of a search costs, in pieces that resume.

    python -m studies.scale.measure --workers 64 --minutes 18     # stops after 18 minutes; again, it goes on
    python -m studies.scale.measure --workers 512 --minutes 18
    python -m studies.scale.show                                  # prints the tables of README.md

A search of the default job in a PostgreSQL database that is started for it, with early stopping, the log of its run
folder and a line for each trial; its workers are simulated, and trials end with what a model of recorded runs says.
The sampler proposes trials in some spans; those between are drawn at random, to be there.
What is under way lies in `build/scale`, what was measured in `studies/scale/results`; `--fresh` begins anew.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from rich.console import Console
from sqlalchemy import text

from autopeft.launch import Desk, SearchPlan, prepare
from autopeft.launch.baselines import enqueue_baselines
from autopeft.launch.run_log import RunLog
from autopeft.launch.too_short import too_short
from autopeft.reporting import PlainProgress
from autopeft.samplers import make_sampler
from autopeft.space import Configuration
from autopeft.study import SCALE, open_study
from autopeft.study.backend import connect
from autopeft.trials import kind_of
from autopeft.whole_file import write_text
from studies.arena.catalogue import load
from studies.scale.simulate import Simulation
from studies.scale.spans import InSpans

__all__ = ["RESULTS"]

RESULTS = Path(__file__).parent / "results"

#: Where what is under way lies.
_WORK = Path(__file__).parents[2] / "build" / "scale"

#: What answers: a model of the default job's recorded runs.
_BENCHMARK = "icd10-model"


def main() -> None:
    """Measure, or go on with it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=64)
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=60.0, help="of a trial that is not stopped, on average")
    parser.add_argument("--minutes", type=float, default=np.inf, help="stop after so long")
    parser.add_argument("--fresh", action="store_true", help="begin anew")
    given = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    name = f"{given.workers}-{given.seconds:g}s"
    folder = _WORK / name
    if given.fresh:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    # Of the test extra, whose wheel brings PostgreSQL.
    import pgserver

    server = pgserver.get_server(folder / "postgresql")
    try:
        _measure(given, folder, str(server.get_uri()), RESULTS / f"{name}.json")
    finally:
        server.cleanup()


def _measure(given: argparse.Namespace, folder: Path, url: str, results: Path) -> None:
    state = folder / "state.json"
    begun: dict[str, Any] = json.loads(state.read_text(encoding="utf8")) if state.is_file() else {}
    with (folder / "output.txt").open("a", encoding="utf8") as output:
        desk, answer = _desk(folder, url, given.trials, Console(file=output))
        engine = connect(url).engine
        simulation = Simulation(desk, answer, given.workers, given.seconds, partial(_size, engine), **begun)
        with desk.listener:
            desk.listener.opened(simulation.told)
            done = simulation.run(60 * given.minutes)
    write_text(state, json.dumps(simulation.state()))
    with engine.connect() as connection:
        version = connection.execute(text("SHOW server_version")).scalar_one()
    found = {
        "workers": given.workers,
        "seconds": given.seconds,
        "trials": given.trials,
        "done": done,
        "cores": os.cpu_count(),
        "processor": _processor(),
        "postgresql": version,
        "python": platform.python_version(),
        "clock": simulation.clock,
        "windows": simulation.windows,
    }
    RESULTS.mkdir(exist_ok=True)
    write_text(results, json.dumps(found, indent=1) + "\n")
    print(f"{simulation.told} of {given.trials} trials; {results}")


def _desk(folder: Path, url: str, trials: int, console: Console) -> tuple[Desk, Callable[[int, Configuration], float]]:
    """Return the desk of the search as a search makes it, and what answers its trials."""
    plan = SearchPlan.of({"task": "icd10", "space": "default", "trials": trials, "out": str(folder), "storage": url})
    prepared, benchmark = prepare(plan), load(_BENCHMARK)
    # The budget of the runs that were recorded, which is that of the plan.
    scale = replace(prepared.scale, limit=benchmark.limit, cheapest=benchmark.cheapest)
    make = partial(make_sampler, space=prepared.space, cost=prepared.prices.price, limit=scale.limit, seed=plan.seed)
    sampler = InSpans(make(plan.sampler), make("random"))
    study = open_study(folder, prepared.spec, sampler, name=prepared.name, storage=url, fresh=False)
    study.set_user_attr(SCALE, asdict(scale))
    progress = PlainProgress(
        scale=scale, total=trials, kind=type(kind_of(prepared.task)), console=console, steps=prepared.setting.steps
    )
    log = RunLog(folder, progress)
    enqueue_baselines(study, prepared.space, prepared.baselines, trials, lambda configuration: True, log.said)
    desk = Desk(
        study=study,
        space=prepared.space,
        cost=prepared.costs.params,
        scale=scale,
        total=trials,
        worst=prepared.task.worst,
        listener=log,
        prices=prepared.prices.of,
        remark=partial(too_short, prepared),
    )
    used: set[str] = set()

    def answer(number: int, configuration: Configuration) -> float:
        return benchmark.answers(configuration, used, np.random.default_rng((0, number))).told

    return desk, answer


def _size(engine: Any) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one())


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf8").splitlines()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


if __name__ == "__main__":
    main()
