"""Hundreds of trials of which many fail: what they leave stays small, and so does what is held in memory."""

import random
from collections import Counter
from dataclasses import asdict

import psutil
import pytest

from autopeft.launch import Desk
from autopeft.samplers import make_sampler
from autopeft.study import counts, open_study, outcome_of
from tests.faults.driver import SPACE_HERE
from tests.launch.conftest import SCALE, SPEC, complete, cost

FAULTS = ("oom", "nan", "timeout", "error", "killed")


@pytest.mark.slow
def test_five_hundred_trials_with_faults_of_each_kind(tmp_path) -> None:
    sampler = make_sampler("random", SPACE_HERE, cost, SCALE.limit, seed=0)
    study = open_study(tmp_path, SPEC, sampler, name="soak", storage=None, fresh=False)
    study.set_user_attr("scale", asdict(SCALE))
    desk = Desk(study, SPACE_HERE, cost, SCALE, 500, 0.0)
    chance, process, held = random.Random(0), psutil.Process(), []
    curve = [{"step": step, "accuracy": 0.5, "loss": 0.5, "seconds": 1.0} for step in (1, 2, 4, 8, 16)]
    while not desk.done:
        trial = desk.next()
        fate = chance.choices((*FAULTS, "complete"), weights=(5, 5, 5, 5, 5, 75))[0]
        if fate == "killed":
            desk.lost(trial.number, "its worker died")
        elif fate == "complete":
            desk.record(trial.number, {**complete(chance.random()), "curve": curve, "metrics": {"accuracy": 0.5}})
        else:
            detail = "Traceback (most recent call last):\n" + "  somewhere\n" * 40 if fate == "error" else ""
            outcome = {"status": fate, "message": "x" * 300, "detail": detail, "seconds": 1.0, "curve": curve[:2]}
            desk.record(trial.number, outcome)
        if trial.number % 100 == 99:
            held.append(process.memory_info().rss / 2**20)
    trials = study.get_trials(deepcopy=False)
    statuses = Counter(outcome_of(trial)["status"] for trial in trials if trial.state.is_finished())
    assert sum(counts(trial) for trial in trials) == 500
    assert all(statuses[fault] > 10 for fault in FAULTS)
    # 200 trials shall stay under 50 MB.
    assert (tmp_path / "study.db").stat().st_size < 20 * 2**20
    # What Optuna keeps of a trial, and no more.
    assert held[-1] - held[1] < 40
