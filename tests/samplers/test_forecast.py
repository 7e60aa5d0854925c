import math

import numpy as np
import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopeft.samplers import Finished, forecast
from autopeft.samplers.history import read_history
from autopeft.samplers.points import AffordablePoints
from autopeft.study import ask, tell
from autopeft.testing.samplers import new_study, toy_cost, toy_space


def point(accuracy, likelihood=0.5, step=4):
    return {"step": step, "accuracy": accuracy, "loss": -math.log(likelihood)}


def pairs(*accuracies):
    """Runs of accuracy at their one rung and at the end."""
    return [Finished(1, [point(at)], end) for at, end in accuracies]


def test_the_interval_covers_as_often_as_it_says():
    rng = np.random.default_rng(0)
    inside = []
    for _ in range(2000):
        at = rng.uniform(0.5, 0.8, 9)
        end = 0.1 + 0.9 * at + rng.normal(0, 0.02, 9)
        *runs, last = pairs(*zip(at, end, strict=True))
        inside.append(0.05 < forecast(runs, last.curve).chance_above(last.accuracy) < 0.95)
    assert np.mean(inside) == pytest.approx(0.9, abs=0.02)


def test_a_line_is_followed_beyond_what_was_seen():
    runs = pairs(*[(x, 0.2 + x) for x in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)])
    assert forecast(runs, [point(0.7)]).mean == pytest.approx(0.9, abs=0.01)


THREE, ALIKE, MISLEADING = (
    [(i / 10, i / 10) for i in range(3)],
    [(0.5, i / 9) for i in range(9)],
    [(0.1, 0.9), (0.9, 0.1)] * 5,
)


@pytest.mark.parametrize("runs", [pairs(*THREE), pairs(*ALIKE), pairs(*MISLEADING)])
def test_what_tells_nothing_is_no_forecast(runs):
    assert forecast(runs, [point(0.5)]) is None


def test_runs_that_were_not_measured_there_tell_nothing():
    runs = pairs(*[(x, 0.2 + x) for x in (0.1, 0.2, 0.3, 0.4)])
    others = [Finished(1, [point(0.9, step=5)], 0.0), Finished(1, [], 0.0)]
    assert forecast(runs + others, [point(0.3)]) == forecast(runs, [point(0.3)])
    assert forecast(runs, [point(0.3), point(0.4, step=8)]) is None


def test_the_likelihood_of_the_truth_tells_where_accuracy_does_not():
    runs = [Finished(1, [point(0.5, x)], 0.2 + x) for x in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)]
    assert forecast(runs, [point(0.5, 0.35)]).mean == pytest.approx(0.55)
    assert forecast(runs, [point(0.5, 0.5)]).chance_above(0.6) > 0.9


def test_rungs_are_averaged_against_noise():
    rng = np.random.default_rng(0)

    def run(end):
        return Finished(1, [point(end + rng.normal(0, 0.05), step=step) for step in range(8)], end)

    runs = [run(end) for end in rng.uniform(0.5, 0.8, 40)]
    one, all_of_them = forecast(runs, runs[0].curve[:1]), forecast(runs, runs[0].curve)
    assert all_of_them.spread < one.spread / 1.5


FIGURES = st.tuples(*[st.floats(0, 1)] * 3, st.floats(0.01, 1))


@given(st.lists(FIGURES, min_size=4, max_size=12), FIGURES, FIGURES, st.floats(0, 1))
def test_a_better_curve_never_has_the_worse_prospects(runs, one, other, goal):
    finished = [Finished(1, [point(a), point(b, x, step=8)], end) for a, b, end, x in runs]
    worse = [point(min(one[0], other[0])), point(min(one[1], other[1]), min(one[3], other[3]), step=8)]
    better = [point(max(one[0], other[0])), point(max(one[1], other[1]), max(one[3], other[3]), step=8)]
    low, high = forecast(finished, worse), forecast(finished, better)
    assert (low is None) == (high is None)
    if low is not None:
        assert low.chance_above(goal) <= high.chance_above(goal) + 1e-9


def test_a_stopped_trial_teaches_the_accuracy_it_would_have_reached():
    space = toy_space()
    study = new_study(optuna.samplers.RandomSampler(seed=0))
    for index in range(7):
        trial = ask(study, space)
        at = 0.5 + index / 50
        outcome = {"status": "complete", "accuracy": at + 0.1, "curve": [point(at)]}
        if index == 6:
            outcome = {"status": "stopped", "curve": outcome["curve"]}
        tell(study, trial.number, outcome, params=toy_cost(trial.configuration), limit=10**9, worst=0.0)
    seen = read_history(
        study, study._storage.get_trial(study.ask()._trial_id), AffordablePoints(space, toy_cost, 10**9)
    )
    *finished, stopped = sorted(each.accuracy for each in seen.observations)
    assert [round(accuracy, 6) for accuracy in finished] == [0.6, 0.62, 0.64, 0.66, 0.68, 0.7]
    assert stopped == pytest.approx(0.72, abs=0.005)
    assert not any(each.failed for each in seen.observations)
