"""Beginning from an earlier study: help where it agrees, no harm where it misleads."""

import numpy as np
import pytest

from autopeft.errors import AutopeftError
from autopeft.samplers import EarlierTrial, cheapest_cost, earlier_trials, hypervolume, make_sampler, within
from autopeft.space import Configuration
from autopeft.testing.samplers import LIMIT, new_study, run_trials, small_space, toy_accuracy, toy_cost, toy_space

SPACE = toy_space()
SEEDS = range(3)
TRIALS = 8


def finished(count=24):
    """Return trials of a random search on the toy accuracy."""
    study = new_study(make_sampler("random", SPACE, toy_cost, LIMIT, seed=9))
    run_trials(study, SPACE, count, noise=0.01)
    return earlier_trials(study)


def other_task(sign):
    """Return the same trials on another scale of accuracies, turned upside down by a negative sign."""
    return [EarlierTrial(each.configuration, 0.5 + sign * 0.3 * each.accuracy, each.failed) for each in finished()]


def growth(earlier, seed):
    """Return the mean hypervolume over a search."""
    study = new_study(make_sampler("pareto", SPACE, toy_cost, LIMIT, seed=seed, earlier=earlier))
    scores = []
    for _ in range(TRIALS):
        run_trials(study, SPACE, 1, noise=0.005, seed=seed)
        tried = [Configuration.from_dict(trial.user_attrs["configuration"]) for trial in study.trials]
        scale = {"limit": LIMIT, "reference": 0.70, "cheapest": cheapest_cost(SPACE, toy_cost)}
        scores.append(hypervolume([*map(toy_cost, tried)], [*map(toy_accuracy, tried)], **scale))
    return np.mean(scores)


@pytest.fixture(scope="module")
def cold():
    return np.array([growth([], seed) for seed in SEEDS])


@pytest.mark.slow
def test_a_related_study_helps(cold):
    warm = np.array([growth(other_task(1), seed) for seed in SEEDS])
    assert (warm - cold).mean() > 0.1 * cold.mean()


@pytest.mark.slow
def test_a_misleading_study_does_no_harm(cold):
    apart = np.array([growth(other_task(-1), seed) for seed in SEEDS]) - cold
    assert apart.mean() > -max(2 * apart.std(ddof=1) / np.sqrt(len(SEEDS)), 0.05 * cold.mean())


def test_what_the_space_lacks_is_left_out():
    earlier = finished(6)
    assert within(SPACE, earlier) == earlier
    # The head alone is in every space, and one trial tells nothing.
    assert len(within(small_space(), earlier)) < 2
    study = new_study(make_sampler("pareto", small_space(), toy_cost, LIMIT, earlier=earlier))
    cold = new_study(make_sampler("pareto", small_space(), toy_cost, LIMIT))
    for each in (study, cold):
        run_trials(each, small_space(), 2)
    assert [trial.params for trial in study.trials] == [trial.params for trial in cold.trials]


def test_another_sampler_cannot():
    with pytest.raises(AutopeftError, match="'tpe' cannot begin from an earlier search"):
        make_sampler("tpe", SPACE, toy_cost, LIMIT, earlier=finished(4))
