"""The sampler without a space, by the contract suites that Optuna ships for samplers."""

import numpy as np
import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.testing.pytest_samplers import (
    BasicSamplerTestCase,
    MultiObjectiveSamplerTestCase,
    RelativeSamplerTestCase,
)

from autopeft.errors import AutopeftError
from autopeft.samplers import ParetoSampler
from autopeft.samplers.plain_knobs import PlainKnobs
from autopeft.testing.samplers import LIMIT, toy_accuracy, toy_cost, toy_space

KNOBS = {
    "rate": FloatDistribution(1e-5, 1e-1, log=True),
    "dropout": FloatDistribution(0.0, 0.5, step=0.1),
    "rank": IntDistribution(1, 64, log=True),
    "layers": IntDistribution(2, 12, step=2),
    "method": CategoricalDistribution(["lora", None, 3]),
}


class TestOptunasContract(BasicSamplerTestCase, RelativeSamplerTestCase, MultiObjectiveSamplerTestCase):
    @pytest.fixture
    def sampler(self):
        # The model is reached within the ten trials of these tests.
        return lambda: ParetoSampler(startup_trials=4)


@given(st.integers(0, 2**32), st.integers(0, 30))
def test_draws_and_steps_stay_inside(seed, steps):
    rng = np.random.default_rng(seed)
    knobs = PlainKnobs(KNOBS)
    params = knobs.draw(rng)
    for _ in range(steps):
        params = knobs.step(params, rng)
    assert all(dist._contains(dist.to_internal_repr(params[name])) for name, dist in KNOBS.items())
    row = knobs.encode(params)
    assert row.min() >= 0
    assert row.max() <= 1


def searched(seed, trials, sampler=ParetoSampler):
    study = optuna.create_study(sampler=sampler(seed=seed), directions=["minimize", "maximize"])
    study.optimize(objective, trials)
    return study


def objective(trial):
    x, y = trial.suggest_float("x", 0, 1), trial.suggest_float("y", 0, 1)
    z = trial.suggest_categorical("z", ["good", "bad"])
    return x**2 + y**2, 1 - (x - 1) ** 2 - y**2 - (z == "bad")


@pytest.mark.slow
def test_finds_the_front_of_a_plain_study():
    ours, random = (searched(0, 24, sampler) for sampler in (ParetoSampler, optuna.samplers.RandomSampler))
    assert area(ours) > 1.1 * area(random)


def area(study):
    from autopeft.samplers import hypervolume

    costs, values = zip(*(trial.values for trial in study.trials), strict=True)
    return hypervolume([10**cost for cost in costs], values, limit=10, reference=0.0, cheapest=1)


@pytest.mark.slow
def test_same_seed_same_proposals():
    first, second, other = (searched(seed, 12).trials for seed in (0, 0, 1))
    assert [trial.params for trial in first] == [trial.params for trial in second]
    assert [trial.params for trial in first] != [trial.params for trial in other]


@pytest.mark.slow
def test_a_study_resumed_from_its_trials_goes_on_as_it_would_have():
    whole = searched(0, 12)
    resumed = optuna.create_study(sampler=ParetoSampler(seed=0), directions=["minimize", "maximize"])
    resumed.add_trials(whole.trials[:9])
    resumed.optimize(objective, 3)
    assert [trial.params for trial in resumed.trials] == [trial.params for trial in whole.trials]


def test_with_a_space_a_plain_study_keeps_to_the_budget_and_never_repeats():
    space = toy_space()
    study = optuna.create_study(sampler=ParetoSampler(space, toy_cost, LIMIT), directions=["minimize", "maximize"])

    def train(trial):
        configuration = space.suggest(trial)
        return toy_cost(configuration), toy_accuracy(configuration)

    study.optimize(train, 9)
    assert all(trial.values[0] <= LIMIT for trial in study.trials)
    assert len({space.decode(trial.params).text for trial in study.trials}) == 9


def test_half_a_space_is_refused():
    with pytest.raises(AutopeftError, match="expected all three, or none"):
        ParetoSampler(toy_space(), limit=LIMIT)
