"""Same seed and same told history, same proposals: whatever the numbers of the trials, also after a kill."""

import signal
import subprocess
import sys
from functools import cache

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.samplers import RandomSampler
from optuna.trial import TrialState, create_trial

from autopeft.samplers import ParetoSampler, make_sampler
from autopeft.study import Watch, ask, tell
from autopeft.testing.samplers import LIMIT, new_study, run_trials, toy_accuracy, toy_cost, toy_space

SPACE = toy_space()
DIRECTIONS = ["minimize", "maximize"]


def told_trials(count):
    study = new_study(make_sampler("random", SPACE, toy_cost, LIMIT))
    run_trials(study, SPACE, count, noise=0.01)
    return study.trials


TOLD = told_trials(8)


def retold(trials, order, lost):
    """Return trials in another order, some of them lost once before and put in line again."""
    moved = []
    for index in order:
        trial = trials[index]
        same = {"params": trial.params, "distributions": trial.distributions, "user_attrs": trial.user_attrs}
        if index in lost:
            moved.append(create_trial(state=TrialState.FAIL, **same))
            same["system_attrs"] = {"fixed_params": trial.params}
        moved.append(create_trial(values=trial.values, **same))
    return moved


def proposals(make, trials, count=2):
    """Return what is proposed to workers that ask one after another."""
    study = optuna.create_study(sampler=make(), directions=DIRECTIONS)
    study.add_trials(trials)
    found = []
    for _ in range(count):
        trial = study.ask()
        for name, distribution in SPACE.distributions().items():
            trial._suggest(name, distribution)
        found.append(trial.params)
    return found


@cache
def told_in_order(make):
    return proposals(make, TOLD)


@pytest.mark.slow
@pytest.mark.parametrize(
    "make",
    [
        lambda: make_sampler("pareto", SPACE, toy_cost, LIMIT, seed=3),
        lambda: make_sampler("random", SPACE, toy_cost, LIMIT, seed=3),
        lambda: ParetoSampler(seed=3),
        lambda: ParetoSampler(seed=3, startup_trials=99),
    ],
    ids=["pareto", "random", "plain", "plain-start"],
)
@settings(max_examples=2, deadline=None)
@given(st.permutations(range(len(TOLD))), st.sets(st.integers(0, len(TOLD) - 1)))
def test_neither_order_nor_lost_trials_matter(make, order, lost):
    expected = told_in_order(make)
    assert expected[0] != expected[1]
    assert proposals(make, retold(TOLD, order, lost)) == expected


@pytest.mark.parametrize("name", ["pareto", "random"])
def test_workers_that_ask_before_any_has_its_parameters_do_not_collapse(name):
    study = new_study(make_sampler(name, SPACE, toy_cost, LIMIT))
    trials = [study.ask() for _ in range(4)]
    assert len({SPACE.suggest(trial).text for trial in reversed(trials)}) == 4


def test_a_plain_study_leaves_a_point_that_fails():
    def objective(trial):
        if trial.suggest_categorical("x", ["good", "bad"]) == "bad":
            raise ValueError
        return 1.0, 1.0

    study = optuna.create_study(sampler=ParetoSampler(startup_trials=99), directions=DIRECTIONS)
    study.optimize(objective, 20, catch=ValueError)
    assert {trial.state for trial in study.trials[-10:]} == {TrialState.COMPLETE, TrialState.FAIL}


def search(study, total):
    """Run a search two trials at a time, on whatever is at work or in line; yield before each is told."""
    running = []
    while sum(trial.state.is_finished() and trial.values is not None for trial in study.trials) < total:
        while len(running) < 2:
            running.append(ask(study, SPACE))
        yield
        trial = running.pop(0)
        outcome = {"status": "complete", "accuracy": toy_accuracy(trial.configuration, 0.01)}
        tell(study, trial.number, outcome, params=toy_cost(trial.configuration), limit=LIMIT, worst=0.0)


def searched(storage=None):
    return new_study(make_sampler("pareto", SPACE, toy_cost, LIMIT, seed=5), storage)


def configurations(study):
    told = [trial for trial in study.trials if trial.state == TrialState.COMPLETE]
    return [trial.user_attrs["configuration"] for trial in told]


TOTAL, KILLED_AT = 9, 6

KILLED = f"""
import os, signal, sys
from tests.samplers.test_resume import search, searched
for done, _ in enumerate(search(searched(*sys.argv[1:]), {TOTAL})):
    if done == {KILLED_AT}:
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
def test_a_killed_search_goes_on_as_it_would_have(tmp_path):
    whole = searched()
    list(search(whole, TOTAL))
    storage = f"sqlite:///{tmp_path / 'study.db'}"
    killed = subprocess.run([sys.executable, "-c", KILLED, storage], check=False)
    assert killed.returncode == -signal.SIGKILL
    resumed = searched(storage)
    assert len(Watch(resumed, SPACE).free()) == 2
    list(search(resumed, TOTAL))
    assert TrialState.FAIL in {trial.state for trial in resumed.trials}
    assert configurations(resumed) == configurations(whole)


def test_a_trial_killed_before_its_configuration_was_noted_comes_back():
    study = new_study(RandomSampler(seed=0))
    wanted = SPACE.suggest(study.ask())
    Watch(study, SPACE).free(alone=True)
    assert ask(study, SPACE).configuration == wanted
