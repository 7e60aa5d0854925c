"""Every trial of a study is a row that says what it is, how it ended and why."""

import json
from dataclasses import asdict

import optuna
import pytest
from optuna.trial import TrialState, create_trial

from autopeft.errors import StudyError
from autopeft.samplers import COSTS
from autopeft.study import PARAMS, SCALE, STATES, Scale, trial_rows
from autopeft.study.owner import this_owner
from autopeft.trials.outcome import STATUSES

LORA = {"modules": {"lora": {"rank": 2, "alpha": 4.0, "targets": ["q"], "layers": [0]}}, "training": {}}
STATE = {"complete": TrialState.COMPLETE, "stopped": TrialState.PRUNED, "killed": TrialState.FAIL}


@pytest.fixture
def study():
    made = optuna.create_study(directions=["minimize", "maximize"])
    made.set_user_attr(SCALE, asdict(Scale(backbone=100_000, limit=1_000, cheapest=64)))
    return made


def add(study, state, values=None, **attrs):
    study.add_trial(create_trial(state=state, values=values, user_attrs={"configuration": LORA, **attrs}))
    return trial_rows(study)[-1]


def ended(study, status, **outcome):
    failed_and_told = status in ("oom", "nan", "timeout")
    state = TrialState.COMPLETE if failed_and_told else STATE.get(status, TrialState.FAIL)
    values = (128, 0.0 if failed_and_told else 0.5) if state == TrialState.COMPLETE else None
    return add(study, state, values, outcome={"status": status, **outcome}, **{PARAMS: 128, COSTS: [128.0]})


@pytest.mark.parametrize("status", STATUSES)
def test_a_trial_that_ended_has_its_own_state_and_only_a_result_has_an_accuracy(study, status):
    curve = [{"step": 1, "accuracy": 0.3}, {"step": 2, "accuracy": 0.4}]
    row = ended(study, status, message="  two\nlines ", detail="Traceback ...", curve=curve, seconds=3)
    assert row.state == status
    assert row.accuracy == {"complete": 0.5, "stopped": 0.4}.get(status)
    assert row.failed == (status not in ("complete", "stopped"))
    assert (row.message, row.traceback, row.seconds) == ("two lines", "Traceback ...", 3)
    assert row.costs == {"params": 128}
    assert row.in_words == "lora r=2 a=4 q @0"
    assert json.loads(json.dumps(row.to_dict())) == row.to_dict()


def test_trials_in_line_and_at_work_have_neither_costs_nor_accuracy(study):
    study.enqueue_trial({}, user_attrs={"configuration": LORA, "baseline": "stock-lora", "retry_of": 0})
    waiting = trial_rows(study)[-1]
    assert (waiting.state, waiting.costs, waiting.accuracy, waiting.seconds) == ("waiting", {}, None, None)
    assert (waiting.baseline, waiting.retry_of, waiting.in_words) == ("stock-lora", 0, "lora r=2 a=4 q @0")
    study.ask().set_user_attr("owner", this_owner())
    running = trial_rows(study)[-1]
    assert (running.state, running.message) == ("running", "")
    assert 0 <= running.seconds < 600
    assert {waiting.state, running.state} < set(STATES)


def test_a_trial_whose_process_is_gone_says_so(study):
    study.ask().set_user_attr("owner", this_owner() | {"started": 0.0})
    [row] = trial_rows(study)
    assert (row.state, row.in_words, row.configuration) == ("running", "", None)
    assert row.message == "its process is gone; the same search tries it again"


def test_costs_that_were_never_measured_are_not_told(study):
    axes = {"params": (64.0, 1_000.0), "time": (1.0, 9.0)}
    study.set_user_attr(SCALE, asdict(Scale(100_000, 1_000, 64, axes)))
    outcome = {"status": "error", "message": "broken"}
    told = {PARAMS: 128, "outcome": outcome}
    assert add(study, TrialState.FAIL, **told, **{COSTS: [1_000.0, 9.0]}).costs == {"params": 128}
    assert add(study, TrialState.FAIL, **told, **{COSTS: [128.0, 2.0]}).costs == {"params": 128.0, "time": 2.0}


def test_what_was_asked_for_in_vain_is_no_trial(study):
    add(study, TrialState.WAITING)
    study.add_trial(create_trial(state=TrialState.FAIL, user_attrs={"void": "every configuration was proposed"}))
    assert [row.trial for row in trial_rows(study)] == [0]


def test_trials_of_earlier_versions_may_lack_anything(study):
    study.add_trial(create_trial(state=TrialState.COMPLETE, values=(5, 0.5)))
    study.add_trial(create_trial(state=TrialState.PRUNED))
    study.add_trial(create_trial(state=TrialState.FAIL))
    rows = trial_rows(study)
    assert [(row.state, row.accuracy, row.costs) for row in rows] == [
        ("complete", 0.5, {"params": 5}),
        ("stopped", None, {}),
        ("killed", None, {}),
    ]


def test_a_study_without_trials_yet_says_what_to_do():
    with pytest.raises(StudyError, match=r"no trials yet: its search is still being prepared.*; look again later"):
        trial_rows(optuna.create_study())
