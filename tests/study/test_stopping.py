"""The rule by which trials are stopped, as plain arithmetic and on a study."""

import math
from dataclasses import asdict

import numpy as np
import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.trial import TrialState

from autopeft.samplers import Finished
from autopeft.study import (
    CONFIDENCE,
    GROWTH,
    SCALE,
    Scale,
    chance_of_growth,
    out_of_reach,
    worth_finishing,
)

LIMIT = {"limit": 1000, "reference": 0.3, "cheapest": 10}


def point(accuracy, step=4):
    return {"step": step, "accuracy": accuracy, "loss": -math.log(max(accuracy, 1e-3))}


def run(cost, accuracy, gain=0.1):
    return Finished(cost, [point(accuracy - gain)], accuracy)


STEADY = [run(20, 0.4), run(50, 0.5), run(100, 0.6), run(200, 0.55), run(300, 0.7), run(400, 0.65)]


def test_it_competes_with_equal_or_lower_cost_only():
    curve = [point(0.45)]  # Will end at about 0.55.
    assert chance_of_growth(STEADY, 0, 60, curve, growth=0.0, **LIMIT) > 0.95
    assert chance_of_growth(STEADY, 0, 100, curve, growth=0.0, **LIMIT) < 0.05


def test_what_adds_almost_nothing_need_not_be_finished():
    curve = [point(0.52)]  # A little better than the 0.6 at cost 100, and nearly as dear as the 0.7.
    assert chance_of_growth(STEADY, 0, 290, curve, growth=0.0, **LIMIT) > 0.9
    assert chance_of_growth(STEADY, 0, 290, curve, growth=0.5, **LIMIT) < 0.05


def test_what_counts_falls_with_the_trials_there_have_been():
    chances = [chance_of_growth(STEADY, stopped, 290, [point(0.6)], **LIMIT) for stopped in (0, 10, 100, 1000)]
    assert chances == sorted(chances)
    assert chances[0] < 0.05 < 0.9 < chances[-1]


def test_too_little_evidence_stops_nothing():
    assert chance_of_growth(STEADY[:3], 0, 500, [point(0.0)], **LIMIT) == 1
    assert chance_of_growth([], 0, 500, [point(0.0)], **LIMIT) == 1
    assert chance_of_growth(STEADY, 0, 500, [point(0.0, step=2)], **LIMIT) == 1


def test_what_may_be_the_best_or_as_good_for_less_goes_on_however_little_the_front_grows():
    # A whisker above the best, at more than half the budget: next to nothing on a front over decades of cost.
    above, below = [point(0.605)], [point(0.59)]
    assert chance_of_growth(STEADY, 0, 900, above, **LIMIT) < 1 - CONFIDENCE
    assert worth_finishing(STEADY, 0, 900, above, **LIMIT)
    assert not worth_finishing(STEADY, 0, 900, below, **LIMIT)
    # Nearly as good counts where nothing as good is cheaper.
    nearly = [point(0.597)]
    rule = {"growth": 1e6, **LIMIT}
    assert worth_finishing(STEADY, 0, 299, nearly, **rule)
    assert not worth_finishing(STEADY, 0, 301, nearly, **rule)
    # What no budget allows is nobody's rival.
    beyond = [*STEADY, run(2000, 0.9)]
    assert worth_finishing(beyond, 0, 900, above, **rule)
    assert not worth_finishing(beyond, 0, 900, above, **{**rule, "limit": 3000})


RUNS = st.lists(st.builds(run, st.integers(1, 1000), st.floats(0, 1), st.floats(-0.2, 0.2)), max_size=10)


@given(RUNS, st.integers(0, 1000), st.floats(0, 1), st.floats(0, 1))
def test_a_worse_curve_is_never_kept_where_a_better_one_is_stopped(runs, cost, one, other):
    worse, better = [point(min(one, other))], [point(max(one, other))]
    assert chance_of_growth(runs, 0, cost, worse, **LIMIT) <= chance_of_growth(runs, 0, cost, better, **LIMIT) + 1e-9
    assert worth_finishing(runs, 0, cost, worse, **LIMIT) <= worth_finishing(runs, 0, cost, better, **LIMIT)


@given(RUNS, st.floats(0, 1))
def test_what_is_cheaper_than_all_is_never_stopped(runs, accuracy):
    assert chance_of_growth(runs, 0, 0.5, [point(accuracy)], **LIMIT) == 1


def test_those_stopped_would_have_counted_no_more_often_than_stated():
    rng = np.random.default_rng(0)
    wrong = []
    for _ in range(300):
        costs = 10 ** rng.uniform(1, 3, 13)
        ends = 0.4 + 0.1 * np.log10(costs) + rng.normal(0, 0.05, 13)
        *runs, last = [run(c, end, rng.normal(0.1, 0.03)) for c, end in zip(costs, ends, strict=True)]
        if chance_of_growth(runs, 0, last.cost, last.curve, growth=0.0, **LIMIT) < 1 - CONFIDENCE:
            wrong.append(last.accuracy > max(other.accuracy for other in runs if other.cost <= last.cost))
    assert len(wrong) > 50
    assert np.mean(wrong) <= 1 - CONFIDENCE


@pytest.fixture
def study():
    study = optuna.create_study(directions=["minimize", "maximize"])
    study.set_user_attr(SCALE, asdict(Scale(backbone=100_000, limit=1000, cheapest=10)))
    return study


def add(study, finished, status="complete", baseline=None, state=TrialState.COMPLETE):
    attrs = {"outcome": {"status": status, "curve": list(finished.curve)}}
    if baseline is not None:
        attrs["baseline"] = baseline
    values = None if state == TrialState.PRUNED else [finished.cost, finished.accuracy]
    study.add_trial(optuna.trial.create_trial(state=state, values=values, user_attrs=attrs))


def test_a_study_is_asked_as_its_finished_trials_are(study):
    head = run(0, LIMIT["reference"])
    add(study, head, baseline="head-only")
    for finished in STEADY:
        add(study, finished)
    for _ in range(2):
        add(study, run(500, 0.1), status="stopped", state=TrialState.PRUNED)
    for accuracy in np.linspace(0.2, 0.7, 26):
        worth = worth_finishing([head, *STEADY], 2, 250, [point(accuracy)], growth=GROWTH, **LIMIT)
        assert out_of_reach(study, [250], [point(accuracy)]) != worth
    assert out_of_reach(study, [250], [point(0.2)])
    assert not out_of_reach(study, [250], [point(0.7)])


def test_nothing_is_stopped_before_the_front_can_be_scored(study):
    for finished in STEADY:
        add(study, finished)
    assert not out_of_reach(study, [250], [point(0.2)])


def test_failed_and_stopped_trials_are_no_evidence(study):
    add(study, run(0, LIMIT["reference"]), baseline="head-only")
    for finished in STEADY[:2]:
        add(study, finished)
    for finished in STEADY[2:4]:
        add(study, finished, status="oom")
        add(study, finished, status="stopped", state=TrialState.PRUNED)
    assert not out_of_reach(study, [250], [point(0.1)])
    add(study, STEADY[4])
    assert out_of_reach(study, [400], [point(0.1)])
