"""The desk: what it hands out, how outcomes become trials, what a resume finds."""

import pytest
from optuna.trial import TrialState

from autopeft.errors import AutopeftError, RunError, StudyError
from autopeft.study import Watch, ask_to_stop, counted, front_of, open_study
from tests.launch.conftest import SCALE, SPEC, complete, cost


def run_all(desk, outcome=complete):
    while (trial := desk.next()) is not None:
        desk.begun(trial.number)
        desk.record(trial.number, outcome())


def test_baselines_come_first_and_count(make_desk):
    desk = make_desk(total=6)
    run_all(desk)
    names = [trial.user_attrs.get("baseline") for trial in desk.study.trials]
    assert names == ["head-only", "stock-lora", None, None, None, None]
    assert desk.done
    assert len({str(trial.user_attrs["configuration"]) for trial in desk.study.trials}) == 6


def test_a_baseline_over_the_budget_is_a_reference_never_on_the_front(make_desk):
    desk = make_desk(total=3)
    accuracies = iter([0.5, 0.99, 0.6])
    run_all(desk, lambda: complete(next(accuracies)))
    front = front_of(desk.study, SCALE)
    stock = next(row for row in front.baselines if row.baseline == "stock-lora")
    assert stock.params == cost_of_stock() > SCALE.limit
    assert "stock-lora" not in {row.baseline for row in front.rows}
    assert all(row.params <= SCALE.limit for row in front.rows)


def cost_of_stock():
    return 64 * 8 * 2 * 4


@pytest.mark.parametrize("status", ["oom", "nan", "timeout"])
def test_a_configuration_that_fails_teaches_the_sampler_and_stays_off_the_front(make_desk, status):
    desk = make_desk(total=4)
    outcomes = iter([complete(), complete(), {"status": status, "accuracy": None, "message": "x"}, complete(0.7)])
    run_all(desk, lambda: next(outcomes))
    failed = desk.study.trials[2]
    assert failed.state == TrialState.COMPLETE
    assert failed.values[1] == 0.0
    assert failed.values[0] > 0
    keys = {tuple(trial.constraints) for trial in desk.study.trials}
    assert keys == {("infeasible",)}
    assert failed.constraints["infeasible"] > 0
    assert 2 not in {row.trial for row in front_of(desk.study, SCALE).rows}


def test_a_lost_trial_is_tried_again_and_an_error_is_not(make_desk):
    desk = make_desk(total=5)
    first = desk.next()
    desk.lost(first.number, "its worker died")
    second = desk.next()
    desk.record(second.number, {"status": "error", "message": "broken"})
    run_all(desk)
    states = [trial.state.name for trial in desk.study.trials]
    assert states.count("FAIL") == 2
    assert counted(desk.study) == 5
    again = [trial for trial in desk.study.trials if trial.user_attrs.get("retry_of") == first.number]
    assert [trial.user_attrs["configuration"] for trial in again] == [first.configuration.to_dict()]
    assert again[0].user_attrs["baseline"] == "head-only"


def test_trials_that_keep_failing_end_the_search_with_the_reason(make_desk):
    desk = make_desk(total=50)
    with pytest.raises(RunError, match="6 trials in a row failed, the last one so: no such operator"):
        run_all(desk, lambda: {"status": "error", "message": "no such operator"})


def test_trials_that_keep_failing_for_what_a_user_can_mend_say_so_by_the_exit_code(make_desk):
    desk = make_desk(total=50)
    with pytest.raises(AutopeftError, match="raise --max-length") as found:
        run_all(desk, lambda: {"status": "error", "message": "raise --max-length", "mendable": True})
    assert found.value.exit_code == 2


def test_workers_that_keep_dying_end_the_search(make_desk):
    desk = make_desk(total=50)
    for _ in range(5):
        desk.lost(desk.next().number, "its worker died")
    last = desk.next()
    with pytest.raises(RunError, match="6 trials in a row failed, the last one so: its worker died"):
        desk.lost(last.number, "its worker died")


def test_a_resumed_study_goes_on_to_the_same_total(make_desk):
    desk = make_desk(total=5)
    for _ in range(3):
        trial = desk.next()
        desk.record(trial.number, complete())
    left = desk.next()
    # The process dies here: its owner is gone when the next one opens the study.
    owner = desk.study.trials[left.number].user_attrs["owner"]
    storage, identity = desk.study._storage, desk.study.trials[left.number]._trial_id
    storage.set_trial_user_attr(identity, "owner", owner | {"started": 0.0})
    again = make_desk(total=5)
    assert Watch(again.study, again.space).free() == [left.number]
    run_all(again)
    done = [trial for trial in again.study.trials if trial.state == TrialState.COMPLETE]
    assert len(done) == 5
    assert len({str(trial.user_attrs["configuration"]) for trial in done}) == 5
    assert left.configuration.to_dict() in [trial.user_attrs["configuration"] for trial in done]
    more = make_desk(total=7)
    run_all(more)
    assert counted(more.study) == 7


def test_living_owners_are_left_alone(make_desk):
    desk = make_desk()
    desk.next()
    assert Watch(desk.study, desk.space).free() == []


def test_owners_on_other_hosts_are_dead_where_nobody_else_can_be_at_work(make_desk):
    desk = make_desk()
    left = desk.next()
    storage, identity = desk.study._storage, desk.study.trials[left.number]._trial_id
    storage.set_trial_user_attr(identity, "owner", {"host": "elsewhere", "pid": 1, "started": 0.0})
    assert Watch(desk.study, desk.space).free() == []
    assert Watch(desk.study, desk.space).free(alone=True) == [left.number]
    # Those in line come in their order, the lost one after the other baseline.
    assert [desk.next().baseline for _ in range(2)] == ["stock-lora", "head-only"]


def test_another_spec_is_refused_with_what_differs_and_fresh_begins_anew(make_desk, tmp_path):
    desk = make_desk()
    run_all(desk)
    other = type(SPEC)(**(SPEC.__dict__ | {"budget": "2%", "seed": 3}))
    with pytest.raises(StudyError, match=r"budget: .*1%.*2%[\s\S]*seed: .*0.*3[\s\S]*--fresh"):
        open_study(tmp_path, other, desk.study.sampler, name="t", storage=None, fresh=False)
    fresh = open_study(tmp_path, other, desk.study.sampler, name="t", storage=None, fresh=True)
    assert fresh.trials == []


def test_every_sampler_stays_within_the_budget_and_never_repeats(make_desk):
    desk = make_desk(total=12, sampler="nsga2")
    run_all(desk)
    proposed = [trial for trial in desk.study.trials if not trial.user_attrs.get("baseline")]
    assert all(trial.values[0] <= SCALE.limit for trial in proposed)
    assert len({str(trial.params) for trial in proposed}) == len(proposed)
    assert [trial.values[0] for trial in proposed] == [cost(desk.space.decode(trial.params)) for trial in proposed]


def reach(desk, trial, accuracy):
    """Report one rung; tell whether the trial went on."""
    if not desk.go_on(trial.number, at_rung(accuracy)):
        desk.stopped(trial.number)
        return False
    finish(desk, trial, accuracy)
    return True


def finish(desk, trial, accuracy):
    desk.record(trial.number, complete(accuracy + 0.1) | {"curve": [at_rung(accuracy)]})


def at_rung(accuracy):
    return {"step": 4, "accuracy": accuracy, "loss": 1 - accuracy, "seconds": 0.1}


def test_a_trial_is_stopped_only_where_those_of_equal_or_lower_cost_are_out_of_reach(make_desk):
    desk = make_desk(total=30)
    for accuracy in (0.5, 0.52, 0.6, 0.6, 0.7, 0.55, 0.65):
        finish(desk, desk.next(), accuracy)
    best = {trial.values[0]: trial.values[1] for trial in desk.study.trials}
    stops = 0
    for _ in range(12):
        trial = desk.next()
        rival = max(accuracy for params, accuracy in best.items() if params <= cost(trial.configuration))
        # Every curve so far gains 0.1 after the rung.
        assert not reach(desk, trial, rival - 0.1 - 0.01)
        recorded = desk.study.trials[trial.number]
        assert recorded.state == TrialState.PRUNED
        assert recorded.user_attrs["outcome"]["curve"] == [at_rung(rival - 0.1 - 0.01)]
        assert recorded.constraints == {"infeasible": 0.0}
        stops += 1
    assert counted(desk.study) == 7 + stops
    trial = desk.next()
    assert reach(desk, trial, 0.95)


def test_baselines_are_never_stopped(make_desk):
    desk = make_desk(total=30)
    trial = desk.next()
    assert trial.baseline
    assert desk.go_on(trial.number, at_rung(0.0))


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["pareto", "random", "tpe", "nsga2", "gp"])
def test_every_sampler_goes_on_after_stopped_trials(make_desk, sampler):
    desk = make_desk(total=16, sampler=sampler)
    values = iter([0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.82] + [0.1] * 20)
    while (trial := desk.next()) is not None:
        reach(desk, trial, next(values))
    assert {trial.state for trial in desk.study.trials} == {TrialState.COMPLETE, TrialState.PRUNED}
    assert counted(desk.study) == 16


def test_a_trial_that_somebody_wants_to_end_ends_at_its_next_rung(make_desk):
    desk = make_desk(total=6)
    for _ in range(2):
        baseline = desk.next()
        desk.record(baseline.number, complete())
    trial, other = desk.next(), desk.next()
    point = {"step": 4, "accuracy": 0.9, "loss": 0.1, "seconds": 1.0}
    assert desk.go_on(trial.number, point)
    ask_to_stop(desk.study, trial.number)
    assert desk.go_on(other.number, point)
    assert not desk.go_on(trial.number, point | {"step": 8})
    desk.stopped(trial.number)
    desk.record(other.number, complete())
    run_all(desk)
    assert [each.number for each in desk.study.trials if each.state == TrialState.PRUNED] == [trial.number]
    assert desk.done
