"""Searches whose objectives are other costs than trainable parameters, or two costs."""

import numpy as np
import optuna
import pytest

from autopeft.methods import VOCABULARY
from autopeft.samplers import COSTS, CostAxis, cheapest_cost, make_sampler
from autopeft.space import cells
from autopeft.testing.samplers import LIMIT, toy_accuracy, toy_cost, toy_space
from tests.marks import mostly_slow

SPACE = toy_space()


def places(configuration):
    return float(sum(len(each) for each in cells(configuration, VOCABULARY).values()))


def lowest_layer(configuration):
    layers = [cell.layer for each in cells(configuration, VOCABULARY).values() for cell in each]
    return 5.0 - min(layers, default=4)


PARAMS = CostAxis("params", cheapest_cost(SPACE, toy_cost), LIMIT, toy_cost)
PLACES = CostAxis("places", 1.0, 16.0, places)
TIME = CostAxis("time", 1.0, 5.0, None)


def run(axes, count, name="pareto", seed=0):
    sampler = make_sampler(name, SPACE, toy_cost, LIMIT, seed=seed, costs=axes)
    study = optuna.create_study(sampler=sampler, directions=["minimize"] * len(axes) + ["maximize"])
    for _ in range(count):
        trial = study.ask()
        configuration = SPACE.suggest(trial)
        trial.set_user_attr("configuration", configuration.to_dict())
        costs = [lowest_layer(configuration) if axis.known is None else axis.known(configuration) for axis in axes]
        trial.set_user_attr(COSTS, costs)
        study.tell(trial, (*costs, toy_accuracy(configuration)))
    return study


@pytest.mark.parametrize(
    "axes",
    mostly_slow([[PARAMS, PLACES], [PLACES], [TIME], [PARAMS, TIME]]),
    ids=lambda axes: "+".join(axis.name for axis in axes),
)
def test_proposals_are_new_and_within_the_budget_and_the_same_again(axes):
    study = run(axes, 12)
    texts = [str(trial.user_attrs["configuration"]) for trial in study.trials]
    assert len(set(texts)) == 12
    assert max(toy_cost(SPACE.decode(trial.params)) for trial in study.trials) <= LIMIT
    assert [trial.params for trial in run(axes, 12).trials] == [trial.params for trial in study.trials]


@pytest.mark.parametrize("name", ["random", "tpe", "nsga2", "gp"])
def test_other_samplers_take_two_costs(name):
    assert len(run([PARAMS, PLACES], 10, name).trials) == 10


@pytest.mark.slow
@pytest.mark.parametrize("axis", [PLACES, TIME], ids=lambda axis: axis.name)
def test_the_cost_that_is_asked_for_is_kept_low(axis):
    def mean(axes):
        cost = lowest_layer if axis is TIME else places
        return np.mean([cost(SPACE.decode(trial.params)) for trial in run(axes, 16).trials[8:]])

    assert mean([axis]) < mean([PARAMS])
