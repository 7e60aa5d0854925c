"""Whether trials led to anything: one that completed is enough; else the commonest reason is told."""

import optuna
import pytest
from optuna.trial import TrialState, create_trial

from autopeft.study import has_results, why_none_completed


def study_of(*outcomes):
    study = optuna.create_study(directions=["minimize", "maximize"])
    for outcome in outcomes:
        state, values = STATES.get(outcome["status"], (TrialState.COMPLETE, [1.0, 0.0]))
        study.add_trial(create_trial(state=state, values=values, user_attrs={"outcome": outcome}))
    study.enqueue_trial({})
    return study


STATES = {"stopped": (TrialState.PRUNED, None), "error": (TrialState.FAIL, None), "killed": (TrialState.FAIL, None)}
BROKEN = {"status": "error", "message": "IndexError: index out of range"}


def test_the_commonest_reason_is_told():
    found = why_none_completed(study_of({"status": "oom", "message": "x"}, BROKEN, BROKEN))
    assert found == "no trial completed; 2 of 3 ended so: error: IndexError: index out of range"


def test_a_reason_may_be_a_word():
    assert why_none_completed(study_of({"status": "stopped"})) == "no trial completed; 1 of 1 ended so: stopped"


def test_without_any_trial_there_is_no_reason():
    assert why_none_completed(study_of()) == "no trial completed: none has ended yet"


@pytest.mark.parametrize("status", ["complete", "stopped"])
def test_a_trial_that_was_measured_is_a_result(status):
    study = study_of(BROKEN, {"status": status})
    assert has_results(study)
    assert (why_none_completed(study) is None) == (status == "complete")


def test_what_was_written_of_a_trial_that_failed_may_have_been_cut_short():
    study = optuna.create_study(directions=["minimize", "maximize"])
    study.add_trial(create_trial(state=TrialState.FAIL, user_attrs={"outcome": {"status": "complete"}}))
    assert not has_results(study)
    assert why_none_completed(study) == "no trial completed; 1 of 1 ended so: killed: its process is gone"


def test_failures_are_no_results():
    assert not has_results(study_of(BROKEN, {"status": "nan"}))
