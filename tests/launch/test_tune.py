"""Trials under a real Ray runtime."""

import os
import signal
import time
from collections import Counter

import pytest
from optuna.trial import TrialState

from autopeft.errors import AutopeftError, DataError, RunError
from autopeft.launch.tune import run_with_tune
from autopeft.study import counted
from tests.launch.conftest import complete

pytestmark = pytest.mark.slow


def make_job(folder, seconds=0.05, fate="", rungs=(), together=1):
    """Build a job whose class travels to the workers by value, as it lives in no importable module.

    No trial runs before `together` workers have loaded: Tune hands the trial of a worker that still starts to one
    that is free already, and drops the late one.
    """

    class Job:
        def runner(self):
            (folder / f"load-{os.getpid()}-{time.time_ns()}").touch()
            return "runner"

        def start(self, runner, configuration):
            assert runner == "runner"
            (folder / f"start-{os.getpid()}-{time.time_ns()}").touch()
            if len(list(folder.glob("load-*"))) < together:
                while len(list(folder.glob("load-*"))) < together:
                    time.sleep(0.1)
                time.sleep(1)
            for step, accuracy in rungs:
                yield {"step": step, "accuracy": accuracy, "loss": 1 - accuracy, "seconds": 0.01}
            time.sleep(seconds)
            mark = folder / "fate"
            if fate == "die" and not mark.exists():
                mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            (folder / f"run-{os.getpid()}-{time.time_ns()}").write_text(configuration.text)
            return complete(0.5)

    return Job()


@pytest.fixture
def notes(tmp_path):
    folder = tmp_path / "notes"
    folder.mkdir()
    return folder


def test_two_workers_load_twice_in_48_trials(make_desk, notes):
    desk = make_desk(total=48)
    run_with_tune(desk, make_job(notes, together=2), workers=2, gpus=0, address=None, deadline=None)
    assert desk.done
    loads = [path.name for path in notes.glob("load-*")]
    runs = list(notes.glob("run-*"))
    assert len(loads) == 2
    assert len(runs) == 48
    assert len({path.read_text() for path in runs}) == 48
    assert Counter(trial.state for trial in desk.study.trials) == {TrialState.COMPLETE: 48}


@pytest.mark.parametrize(("workers", "gpus", "counts"), [(2, 1.0, [1, 1]), (4, 0.5, [2, 2]), (3, 0.5, [1, 2])])
def test_workers_are_spread_over_the_gpus(make_desk, notes, workers, gpus, counts):
    # Ray believes in the GPUs it is told of and shows each worker its own.
    class Job:
        def runner(self):
            (notes / f"load-{os.getpid()}").write_text(os.environ["CUDA_VISIBLE_DEVICES"])

        def start(self, runner, configuration):
            while len(list(notes.glob("load-*"))) < workers:
                time.sleep(0.1)
            time.sleep(1)
            return complete(0.5)
            yield

    run_with_tune(make_desk(total=4), Job(), workers=workers, gpus=gpus, address=None, deadline=None)
    found = Counter(path.read_text() for path in notes.glob("load-*"))
    assert set(found) == {"0", "1"}
    assert sorted(found.values()) == counts


def test_a_killed_worker_loses_no_trial(make_desk, notes):
    desk = make_desk(total=6)
    run_with_tune(desk, make_job(notes, fate="die"), workers=2, gpus=0, address=None, deadline=None)
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
    class Job:
        def runner(self):
            raise error

    desk = make_desk(total=6)
    with pytest.raises(kind, match=said) as found:
        run_with_tune(desk, Job(), workers=1, gpus=0, address=None, deadline=None)
    assert type(found.value) is kind
    assert counted(desk.study) == 0
    waiting = [trial for trial in desk.study.trials if trial.state == TrialState.WAITING]
    assert {trial.user_attrs["baseline"] for trial in waiting} == {"head-only", "stock-lora"}


def test_a_deadline_ends_the_search_and_keeps_what_is_finished(make_desk, notes):
    desk = make_desk(total=10_000)
    states: Counter[TrialState] = Counter()
    for patience in (12, 30, 480):  # a busy machine may take long to start its workers
        run_with_tune(desk, make_job(notes, 0.3), workers=2, gpus=0, address=None, deadline=time.time() + patience)
        states = Counter(trial.state for trial in desk.study.trials)
        assert states[TrialState.RUNNING] == 0
        if states[TrialState.COMPLETE]:
            break
    assert 0 < states[TrialState.COMPLETE] < 10_000


def test_hopeless_trials_end_at_a_rung_and_the_worker_goes_on(make_desk, notes):
    class Slow:
        """Eight trials, each better than those before, then only trials that promise nothing."""

        def runner(self):
            (notes / f"load-{os.getpid()}-{time.time_ns()}").touch()
            return "runner"

        def start(self, runner, configuration):
            count = len(list(notes.glob("start-*")))
            (notes / f"start-{time.time_ns()}").touch()
            accuracy = 0.1 if count >= 8 else 0.5 + 0.04 * count
            for step in (1, 2, 4):
                yield {"step": step, "accuracy": accuracy, "loss": 1 - accuracy, "seconds": 0.01}
            (notes / f"end-{time.time_ns()}").touch()
            return complete(accuracy) | {
                "curve": [{"step": step, "accuracy": accuracy, "loss": 1 - accuracy} for step in (1, 2, 4, 8)]
            }

    desk = make_desk(total=12)
    run_with_tune(desk, Slow(), workers=1, gpus=0, address=None, deadline=None)
    states = [trial.state.name for trial in desk.study.trials]
    # A better one that costs more may still add too little.
    assert states[:4] == ["COMPLETE"] * 4
    assert states[-4:] == ["PRUNED"] * 4
    assert len(list(notes.glob("end-*"))) == states.count("COMPLETE")
    assert len(list(notes.glob("load-*"))) == 1
    stopped = desk.study.trials[-1].user_attrs["outcome"]
    assert [point["step"] for point in stopped["curve"]] == [1]
