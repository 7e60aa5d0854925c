"""Trials under a real Ray runtime."""

import math
import os
import signal
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from optuna.trial import TrialState

from autopeft.errors import AutopeftError, DataError, RunError
from autopeft.launch.places import Places
from autopeft.launch.ray_process import RayProcess
from autopeft.launch.workers import run_in_workers
from autopeft.study import counted
from tests.launch.conftest import complete

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Job:
    """Notes what it does; no trial runs before `together` workers have loaded."""

    folder: Path
    seconds: float = 0.05
    fate: str = ""
    together: int = 1

    def runner(self):
        (self.folder / f"load-{os.getpid()}-{time.time_ns()}").touch()
        return "runner"

    def start(self, runner, configuration):
        assert runner == "runner"
        (self.folder / f"start-{os.getpid()}-{time.time_ns()}").touch()
        if len(list(self.folder.glob("load-*"))) < self.together:
            while len(list(self.folder.glob("load-*"))) < self.together:
                time.sleep(0.1)
            time.sleep(1)
        time.sleep(self.seconds)
        mark = self.folder / "fate"
        if self.fate == "die" and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        (self.folder / f"run-{os.getpid()}-{time.time_ns()}").write_text(configuration.text)
        return complete(0.5)
        yield


@dataclass(frozen=True)
class Seeing:
    """Notes which GPU each worker sees."""

    folder: Path
    workers: int

    def runner(self):
        (self.folder / f"load-{os.getpid()}").write_text(os.environ["CUDA_VISIBLE_DEVICES"])

    def start(self, runner, configuration):
        while len(list(self.folder.glob("load-*"))) < self.workers:
            time.sleep(0.1)
        time.sleep(1)
        return complete(0.5)
        yield


@dataclass(frozen=True)
class Late:
    """Its second worker loads until the first has run some trials, which then waits for that one."""

    folder: Path
    patience: float

    def runner(self):
        (self.folder / f"load-{os.getpid()}").touch()
        try:
            (self.folder / "first").touch(exist_ok=False)
        except FileExistsError:
            self.until(lambda: len(list(self.folder.glob("run-*"))) >= 4)
            (self.folder / "late").touch()

    def start(self, runner, configuration):
        if len(list(self.folder.glob("run-*"))) >= 4:
            self.until((self.folder / "late").exists)
        (self.folder / f"run-{os.getpid()}-{time.time_ns()}").touch()
        return complete(0.5)
        yield

    def until(self, true):
        end = time.monotonic() + self.patience
        while not true() and time.monotonic() < end:
            time.sleep(0.1)


@dataclass(frozen=True)
class Failing:
    """Cannot be loaded."""

    error: Exception

    def runner(self):
        raise self.error


@dataclass(frozen=True)
class Slow:
    """Eight trials, each better than those before, then only trials that promise nothing."""

    folder: Path

    def runner(self):
        (self.folder / f"load-{os.getpid()}-{time.time_ns()}").touch()
        return "runner"

    def start(self, runner, configuration):
        count = len(list(self.folder.glob("start-*")))
        (self.folder / f"start-{time.time_ns()}").touch()
        accuracy = 0.1 if count >= 8 else 0.5 + 0.04 * count
        for step in (1, 2, 4):
            yield {"step": step, "accuracy": accuracy, "loss": 1 - accuracy, "seconds": 0.01}
        (self.folder / f"end-{time.time_ns()}").touch()
        return complete(accuracy) | {
            "curve": [{"step": step, "accuracy": accuracy, "loss": 1 - accuracy} for step in (1, 2, 4, 8)]
        }


def run(desk, job, workers, gpus=0.0, deadline=None):
    with RayProcess(Places(workers, math.ceil(workers * gpus)), None) as ray:
        run_in_workers(desk, job, ray=ray, deadline=deadline)


@pytest.fixture
def notes(tmp_path):
    folder = tmp_path / "notes"
    folder.mkdir()
    return folder


def test_two_workers_load_twice_in_48_trials(make_desk, notes):
    desk = make_desk(total=48)
    run(desk, Job(notes, together=2), 2)
    assert desk.done
    loads = [path.name for path in notes.glob("load-*")]
    runs = list(notes.glob("run-*"))
    assert len(loads) == 2
    assert len(runs) == 48
    assert len({path.read_text() for path in runs}) == 48
    assert Counter(trial.state for trial in desk.study.trials) == {TrialState.COMPLETE: 48}


def test_a_worker_that_is_late_is_not_dropped_for_one_that_is_idle(make_desk, notes):
    run(make_desk(total=24), Late(notes, patience=100.0), 2)
    assert (notes / "late").exists()
    workers = {path.name.split("-")[1] for path in notes.glob("run-*")}
    assert len(list(notes.glob("load-*"))) == len(workers) == 2


@pytest.mark.parametrize(("workers", "gpus", "counts"), [(2, 1.0, [1, 1]), (4, 0.5, [2, 2]), (3, 0.5, [1, 2])])
def test_workers_are_spread_over_the_gpus(make_desk, notes, workers, gpus, counts):
    # Ray believes in the GPUs it is told of and shows each worker its own.
    run(make_desk(total=4), Seeing(notes, workers), workers, gpus)
    found = Counter(path.read_text() for path in notes.glob("load-*"))
    assert set(found) == {"0", "1"}
    assert sorted(found.values()) == counts


def test_a_killed_worker_loses_no_trial(make_desk, notes):
    desk = make_desk(total=6)
    run(desk, Job(notes, fate="die"), 2)
    states = Counter(trial.state for trial in desk.study.trials)
    assert states == {TrialState.COMPLETE: 6, TrialState.FAIL: 1}
    done = [str(t.user_attrs["configuration"]) for t in desk.study.trials if t.state == TrialState.COMPLETE]
    assert len(set(done)) == 6


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (DataError("line 7 is empty; fill it"), AutopeftError, "^line 7 is empty; fill it$"),
        (OSError("no space left"), RunError, "^a worker cannot load the model and the data: OSError: no space left$"),
    ],
)
def test_a_worker_that_cannot_load_ends_the_search_and_costs_no_trial(make_desk, error, kind, said):
    desk = make_desk(total=6)
    with pytest.raises(kind, match=said) as found:
        run(desk, Failing(error), 1)
    assert type(found.value) is kind
    assert counted(desk.study) == 0
    waiting = [trial for trial in desk.study.trials if trial.state == TrialState.WAITING]
    assert {trial.user_attrs["baseline"] for trial in waiting} == {"head-only", "stock-lora"}


def test_a_deadline_ends_the_search_and_keeps_what_is_finished(make_desk, notes):
    desk = make_desk(total=10_000)
    states: Counter[TrialState] = Counter()
    for patience in (12, 30, 480):  # a busy machine may take long to start its workers
        run(desk, Job(notes, 0.3), 2, deadline=time.time() + patience)
        states = Counter(trial.state for trial in desk.study.trials)
        assert states[TrialState.RUNNING] == 0
        if states[TrialState.COMPLETE]:
            break
    assert 0 < states[TrialState.COMPLETE] < 10_000


def test_hopeless_trials_end_at_a_rung_and_the_worker_goes_on(make_desk, notes):
    desk = make_desk(total=12)
    run(desk, Slow(notes), 1)
    states = [trial.state.name for trial in desk.study.trials]
    # A better one that costs more may still add too little.
    assert states[:4] == ["COMPLETE"] * 4
    assert states[-4:] == ["PRUNED"] * 4
    assert len(list(notes.glob("end-*"))) == states.count("COMPLETE")
    assert len(list(notes.glob("load-*"))) == 1
    stopped = desk.study.trials[-1].user_attrs["outcome"]
    assert [point["step"] for point in stopped["curve"]] == [1]
