import numpy as np
import optuna
import pytest

from autopeft.samplers import forecast
from autopeft.samplers.history import read_history
from autopeft.samplers.points import AffordablePoints
from autopeft.study import ask, tell
from autopeft.testing.samplers import new_study, toy_cost, toy_space


def test_the_interval_covers_as_often_as_it_says():
    rng = np.random.default_rng(0)
    inside = []
    for _ in range(2000):
        at = rng.uniform(0.5, 0.8, 9)
        end = 0.1 + 0.9 * at + rng.normal(0, 0.02, 9)
        chance = forecast(list(zip(at[:8], end[:8], strict=True)), at[8]).chance_above(end[8])
        inside.append(0.05 < chance < 0.95)
    assert np.mean(inside) == pytest.approx(0.9, abs=0.02)


def test_a_line_is_followed_beyond_what_was_seen():
    pairs = [(x, 0.2 + x) for x in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)]
    assert forecast(pairs, 0.7).mean == pytest.approx(0.9)


@pytest.mark.parametrize("pairs", [[(0.5, 0.6)] * 5, [(0.5, 0.5 + i / 100) for i in range(9)]])
def test_too_little_is_no_forecast(pairs):
    assert forecast(pairs, 0.5) is None


def test_a_stopped_trial_teaches_the_accuracy_it_would_have_reached():
    space = toy_space()
    study = new_study(optuna.samplers.RandomSampler(seed=0))
    for index in range(7):
        trial = ask(study, space)
        at = 0.5 + index / 50
        outcome = {"status": "complete", "accuracy": at + 0.1, "curve": [{"step": 4, "accuracy": at}]}
        if index == 6:
            outcome = {"status": "stopped", "curve": outcome["curve"]}
        tell(study, trial.number, outcome, params=toy_cost(trial.configuration), limit=10**9, worst=0.0)
    seen = read_history(
        study, study._storage.get_trial(study.ask()._trial_id), AffordablePoints(space, toy_cost, 10**9)
    )
    assert [round(each.accuracy, 6) for each in seen.observations] == [0.6, 0.62, 0.64, 0.66, 0.68, 0.7, 0.72]
    assert not any(each.failed for each in seen.observations)
