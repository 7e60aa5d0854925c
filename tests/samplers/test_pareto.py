import subprocess
import sys

import numpy as np
import optuna
import pytest
import torch

from autopeft.errors import AutopeftError
from autopeft.samplers import ParetoSampler, cheapest_cost, hypervolume, make_sampler
from autopeft.samplers.surrogate import winsorised
from autopeft.space import Configuration
from autopeft.testing.samplers import LIMIT, new_study, run_trials, toy_accuracy, toy_cost, toy_space

SPACE = toy_space()


def score(study):
    configurations = [Configuration.from_dict(trial.user_attrs["configuration"]) for trial in study.trials]
    return hypervolume(
        [toy_cost(each) for each in configurations],
        [toy_accuracy(each) for each in configurations],
        limit=LIMIT,
        reference=0.70,
        cheapest=cheapest_cost(SPACE, toy_cost),
    )


@pytest.mark.slow
def test_beats_random_search():
    scores = {}
    for name in ("pareto", "random"):
        studies = [new_study(make_sampler(name, SPACE, toy_cost, LIMIT, seed=seed)) for seed in range(2)]
        for seed, study in enumerate(studies):
            run_trials(study, SPACE, 20, noise=0.005, seed=seed)
        scores[name] = np.mean([score(study) for study in studies])
    assert scores["pareto"] > 1.1 * scores["random"]


def test_start_spreads_over_costs():
    study = new_study(ParetoSampler(SPACE, toy_cost, LIMIT, seed=1))
    run_trials(study, SPACE, 8)
    costs = np.log10([max(trial.values[0], 128) for trial in study.trials])
    thirds = np.histogram(costs, bins=3, range=(np.log10(128), np.log10(LIMIT)))[0]
    assert thirds.min() >= 1


def test_leaves_torch_as_it_was_and_compiles_nothing():
    from botorch.acquisition.multi_objective import logei

    before, state = torch.get_num_threads(), torch.get_rng_state()
    run_trials(new_study(ParetoSampler(SPACE, toy_cost, LIMIT, startup_trials=3)), SPACE, 5)
    assert torch.get_num_threads() == before
    assert torch.equal(torch.get_rng_state(), state)
    assert logei._C is None


def test_imports_are_light():
    code = "import sys, autopeft.samplers; print({'torch', 'botorch', 'ray'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"


def test_refuses_other_objectives():
    study = optuna.create_study(sampler=ParetoSampler(SPACE, toy_cost, LIMIT), directions=["maximize"] * 2)
    with pytest.raises(AutopeftError, match="expected \\(minimize, maximize\\)"):
        SPACE.suggest(study.ask())


def test_unknown_name():
    with pytest.raises(AutopeftError, match="did you mean 'pareto'"):
        make_sampler("paretto", SPACE, toy_cost, LIMIT)


def test_winsorised_keeps_the_scale_of_good_runs():
    values = winsorised([0.72, 0.78, 0.80, 0.79, 0.1, 0.0], [False] * 5 + [True])
    np.testing.assert_allclose(values[:4], [0.72, 0.78, 0.80, 0.79])
    assert values[4] == values[5] == pytest.approx(0.72)
    assert np.ptp(winsorised([0.0, 0.0], [True, True])) == 0
