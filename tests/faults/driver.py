"""A process that drives a search of trials that take no time: python -m tests.faults.driver URL TOTAL LOG."""

import os
import sys
import time
import zlib
from dataclasses import asdict
from pathlib import Path

import optuna

from autopeft.launch import Desk
from autopeft.launch.baselines import enqueue_baselines
from autopeft.launch.local import run_here
from autopeft.methods import HEAD_ONLY, VOCABULARY, stock_lora
from autopeft.samplers import make_sampler
from autopeft.space import Configuration
from autopeft.study import Watch, leases, open_study, put_back
from tests.launch.conftest import SCALE, SHAPE, SPACE, SPEC, complete, cost

BASELINES = {"head-only": HEAD_ONLY, "stock-lora": stock_lora(SHAPE, 1e-3)}
SPACE_HERE = SPACE.bind(VOCABULARY, SHAPE)


def accuracy_of(configuration: Configuration) -> float:
    return 0.4 + 0.5 * zlib.crc32(configuration.text.encode()) / 2**32


class Job:
    """Trials that reach what they are made up to reach, each noted in a file as it begins."""

    def __init__(self, log: Path) -> None:
        self._log = log

    def runner(self):
        return None

    def start(self, runner, configuration):
        with self._log.open("a") as file:
            file.write(f"{os.getpid()} {zlib.crc32(configuration.text.encode())}\n")
        time.sleep(0.03)
        yield {"step": 1, "accuracy": 0.1, "loss": 1.0, "seconds": 0.01, "busy": 0.01, "step_seconds": 0.01}
        time.sleep(0.03)
        return complete(accuracy_of(configuration))


def main() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    url, total, log = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    leases.LEASE_SECONDS = 4.0
    sampler = make_sampler("random", SPACE_HERE, cost, SCALE.limit, seed=0)
    study = open_study(log.parent, SPEC, sampler, name="shared", storage=url, fresh=False)
    study.set_user_attr("scale", asdict(SCALE))
    watch = Watch(study, SPACE_HERE)
    watch.free()
    put_back(study, SPACE_HERE)
    enqueue_baselines(study, SPACE_HERE, BASELINES, total, lambda configuration: True, print)
    desk = Desk(study, SPACE_HERE, cost, SCALE, total, 0.0, watch=watch)
    print("begun", flush=True)
    with desk.leased():
        run_here(desk, Job(log), deadline=None)
    print("done" if desk.done else "interrupted", flush=True)


if __name__ == "__main__":
    main()
