"""Trials that were made of others: on the front and in reports, and nowhere in the search itself."""

import pytest
from optuna.samplers import RandomSampler
from optuna.trial import TrialState

from autopeft.launch import open_run
from autopeft.methods import VOCABULARY
from autopeft.samplers import SAMPLERS, make_sampler
from autopeft.space import Configuration
from autopeft.study import (
    Scale,
    ask,
    counted,
    derived_of,
    extend_study,
    front_of,
    out_of_reach,
    tell_derived,
    tell_lost,
    trial_rows,
)
from autopeft.study.asking import room
from autopeft.testing.samplers import LIMIT, new_study, run_trials, toy_cost, toy_space
from tests.reporting.runs import make_run
from tests.study.test_extending import OLD, SHAPE, WIDER, old, spec

__all__ = ["old"]

SPACE = toy_space()


def point(trial, density):
    """Return the configuration of a trial with a compression."""
    given = trial.user_attrs["configuration"]
    knobs = {"compression": "compeft", "compeft_density": density, "compeft_scale": 1.0}
    return Configuration.from_dict({**given, "training": {**given["training"], **knobs}})


def derive(study, parent, density, accuracy, costs):
    made = point(study.trials[parent], density)
    outcome = {"status": "complete", "accuracy": accuracy, "metrics": {"loss": 1.0}, "seconds": 0.1, "curve": ()}
    tell_derived(study, made, outcome, parent=parent, params=64, costs=costs, limit=LIMIT)
    return made


@pytest.mark.parametrize("name", SAMPLERS)
def test_no_sampler_sees_them(name):
    proposed = []
    for derived in (False, True):
        study = new_study(make_sampler(name, SPACE, toy_cost, LIMIT, seed=3))
        run_trials(study, SPACE, 12)
        if derived:
            for parent in (2, 3, 4):
                derive(study, parent, 0.1, 0.99, [1.0])
        assert counted(study) == 12
        assert room(study, 13)
        proposed.append(SPACE.suggest(study.ask()).text)
    assert proposed[0] == proposed[1]


def test_they_are_on_the_front_and_in_the_list_of_trials_and_told_once(tmp_path):
    run = make_run(tmp_path / "run", costs=("params", "bytes"), faults=False)
    result = open_run(run)
    study = result.study
    best = max(result.front.rows, key=lambda row: row.accuracy)
    before = counted(study), out_of_reach(study, [100.0, 100.0], [{"step": 2, "accuracy": 0.4, "loss": 1.0}])
    made = derive(study, best.trial, 0.1, best.accuracy + 0.01, [best.params, 70.0])
    assert (counted(study), out_of_reach(study, [100.0, 100.0], [{"step": 2, "accuracy": 0.4, "loss": 1.0}])) == before
    number = len(study.trials) - 1
    assert derived_of(study, best.trial) == {made.text: number}
    front = front_of(study, Scale.recorded(study))
    [row] = [row for row in front.rows if row.trial == number]
    assert (row.derived_from, row.outside, row.params) == (best.trial, False, 64)
    # It is as good for fewer bytes, so that what it was made of is not on the front any more.
    assert best.trial not in {row.trial for row in front.rows}
    [listed] = [row for row in trial_rows(study) if row.trial == number]
    assert (listed.state, listed.derived_from, listed.costs["bytes"]) == ("complete", best.trial, 70.0)
    assert "compeft density=0.1 scale=1" in listed.in_words


def test_they_come_along_into_another_space_and_are_not_outside_of_it(old, tmp_path):
    made = derive(old, 1, 0.1, 0.9, [50.0])
    study = extend_study(old, tmp_path, spec(WIDER), WIDER.bind(VOCABULARY, SHAPE), RandomSampler(seed=1), name="new")
    last = study.trials[-1]
    assert last.state == TrialState.COMPLETE
    assert derived_of(study, 1) == {made.text: last.number}
    assert "outside" not in last.user_attrs


def test_what_is_made_of_a_trial_beyond_a_budget_of_memory_is_beyond_it_too(tmp_path):
    result = open_run(make_run(tmp_path / "run", costs=("params", "bytes"), faults=False))
    study = result.study
    configuration = point(study.trials[3], 0.1)
    outcome = {"status": "complete", "accuracy": 0.99, "metrics": {}, "seconds": 0.1, "curve": ()}
    tell_derived(study, configuration, outcome, parent=3, params=64, costs=[64, 1.0], limit=LIMIT, beyond=True)
    front = front_of(study, Scale.recorded(study))
    assert [row.standing for row in front.others if row.derived_from == 3] == ["over-budget"]


def test_a_lost_trial_is_tried_again_whatever_was_made_of_others(old):
    space = OLD.bind(VOCABULARY, SHAPE)
    trial = ask(old, space)
    derived = dict(old.trials[trial.number].user_attrs["configuration"])
    outcome = {"status": "complete", "accuracy": 0.9, "metrics": {}, "seconds": 0.1, "curve": ()}
    twin = Configuration.from_dict(derived)
    tell_derived(old, twin, outcome, parent=1, params=64, costs=[64.0], limit=LIMIT)
    tell_lost(old, space, trial.number, "its worker died")
    assert any(each.state == TrialState.WAITING for each in old.trials)
