"""A run folder in use is refused; what its last process left at work is tried again, wherever that was."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import optuna
import pytest
from optuna.trial import TrialState

from autopeft.errors import StudyError
from autopeft.launch import SearchPlan, open_run, prepare, run_search
from autopeft.selection import select
from autopeft.study import LOCK, ask, counted, leases, locked, owner, tell
from autopeft.testing.models import TEXTS, tiny_backbone
from tests.launch.conftest import complete


@pytest.fixture
def plan(tmp_path):
    rows = [f"{text} {n % 3},{'ab'[n % 2]}" for n in range(20) for text in TEXTS]
    (tmp_path / "train.csv").write_text("text,label\n" + "\n".join(rows) + "\n")
    settings = {"model": tiny_backbone("bert", tmp_path), "data": str(tmp_path / "train.csv"), "text": "text"}
    settings |= {"label": "label", "budget": "20%", "epochs": 1, "examples": 40, "workers": 0, "out": tmp_path / "run"}

    def make(**changes):
        return SearchPlan.of(settings | changes)

    return make


def command(plan):
    words = [sys.executable, "-m", "autopeft.cli", "search", "--no-select"]
    for name in ("model", "data", "text", "label", "budget", "epochs", "examples", "workers", "trials", "out"):
        words += [f"--{name}", str(getattr(plan, name))]
    return words


def holds(folder):
    """Tell whether a process has said that it holds a folder."""
    return (folder / LOCK).is_file() and (folder / LOCK).read_text().endswith("}")


@pytest.mark.slow
def test_of_two_processes_the_second_is_refused_and_the_first_loses_nothing(plan):
    wanted = plan(trials=5)
    first = subprocess.Popen(command(wanted), stdout=subprocess.DEVNULL)
    try:
        until = time.time() + 240
        while not holds(wanted.out) and first.poll() is None and time.time() < until:
            time.sleep(0.01)
        # Halted it still holds the folder, however slow the second is.
        os.kill(first.pid, signal.SIGSTOP)
        second = subprocess.run(command(wanted), capture_output=True, text=True)
        assert second.returncode == 2
        assert f"{wanted.out} is in use: process {first.pid} on " in second.stderr
        assert "Traceback" not in second.stderr
    finally:
        os.kill(first.pid, signal.SIGCONT)
    assert first.wait() == 0
    study = open_run(wanted.out).study
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE] * 5
    assert not (wanted.out / LOCK).exists()


def leave_running(plan, monkeypatch):
    """Begin a trial of a run as a process on another host, which then is gone."""
    result = run_search(prepare(plan))
    with monkeypatch.context() as there:
        there.setattr(owner, "_where", lambda: {"boot": "another", "namespace": "another"})
        result.study.sampler = optuna.samplers.RandomSampler(seed=7)
        return ask(result.study, prepare(plan).space)


def test_a_trial_left_at_work_on_another_host_is_tried_again(plan, monkeypatch):
    left = leave_running(plan(trials=2), monkeypatch)
    study = run_search(prepare(plan(trials=4))).study
    states = [trial.state for trial in study.trials]
    assert states.pop(left.number) == TrialState.FAIL
    assert TrialState.RUNNING not in states
    [again] = [trial for trial in study.trials if trial.user_attrs.get("retry_of") == left.number]
    assert again.user_attrs["configuration"] == left.configuration.to_dict()
    assert again.state in (TrialState.COMPLETE, TrialState.PRUNED)


@pytest.mark.parametrize("renewed", [False, True])
def test_in_a_storage_that_many_share_a_trial_of_another_host_is_waited_for_while_its_lease_lasts(
    plan, monkeypatch, tmp_path, renewed
):
    monkeypatch.setattr(leases, "LEASE_SECONDS", 2.0)
    storage = {"storage": f"sqlite:///{tmp_path}/many.db"}
    left = leave_running(plan(trials=2, **storage), monkeypatch)
    other = open_run(plan(trials=2, **storage).out).study

    def go_on():
        for count in range(16):
            time.sleep(0.25)
            assert leases.renew(other, left.number, count)
        tell(other, left.number, complete(), params=8, limit=100, worst=0.0)

    with ThreadPoolExecutor(1) as elsewhere:
        done = elsewhere.submit(go_on if renewed else lambda: None)
        study = run_search(prepare(plan(trials=4, **storage))).study
        done.result()
    assert study.trials[left.number].state == (TrialState.COMPLETE if renewed else TrialState.FAIL)
    assert counted(study) == 4
    again = [
        trial.user_attrs["configuration"] for trial in study.trials if trial.user_attrs.get("retry_of") is not None
    ]
    assert again == ([] if renewed else [left.configuration.to_dict()])


def test_a_selection_holds_the_folder_too(plan):
    prepared = prepare(plan(trials=2))
    result = run_search(prepared)
    with locked(result.folder), pytest.raises(StudyError, match=f"in use: process {os.getpid()} on"):
        select(prepared, result)
    assert not (result.folder / "finalists.json").exists()
