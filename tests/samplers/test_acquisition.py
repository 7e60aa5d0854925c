import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from autopeft.samplers import hypervolume
from autopeft.samplers.acquisition import log_expected_growth
from autopeft.samplers.features import Features
from autopeft.samplers.history import Observation
from autopeft.samplers.points import AffordablePoints
from autopeft.samplers.proposal import MOST_TOLD, kept
from autopeft.samplers.surrogate import fit_accuracy
from autopeft.testing.samplers import LIMIT, toy_accuracy, toy_cost, toy_space

UNIT = st.floats(0, 1)
REFERENCE = 0.3


@given(st.lists(st.tuples(UNIT, UNIT), min_size=1, max_size=8), UNIT, UNIT, st.floats(0.01, 0.3))
def test_equals_the_mean_growth_over_many_draws(front, at, mean, deviation):
    at_known, known = torch.tensor(front, dtype=torch.float64).T
    one = torch.tensor([1.0], dtype=torch.float64)
    found = log_expected_growth(mean * one, deviation * one, at * one, known, at_known, REFERENCE).exp()

    def area(costs, accuracies):
        scale = {"limit": 10.0, "reference": REFERENCE, "cheapest": 1.0}
        return hypervolume([10**cost for cost in costs], accuracies, **scale)

    before = area(at_known.tolist(), known.tolist())
    quantiles = (np.arange(400) + 0.5) / 400
    draws = mean + deviation * np.sqrt(2) * torch.erfinv(torch.tensor(2 * quantiles - 1)).numpy()
    grown = [area([*at_known.tolist(), at], [*known.tolist(), draw]) - before for draw in draws]
    assert abs(float(found) - np.mean(grown)) < 0.01 * deviation + 1e-4


def observations(count):
    points = AffordablePoints(toy_space(), toy_cost, LIMIT)
    rng = np.random.default_rng(0)
    drawn = [points.draw(rng) for _ in range(count)]
    return points, [Observation(each, toy_accuracy(each.configuration), failed=False) for each in drawn]


def test_points_at_work_are_taken_for_measured_as_expected():
    points, told = observations(20)
    x = torch.from_numpy(Features(points).encode([each.point for each in told]))
    model = fit_accuracy(x[:15], torch.tensor([each.accuracy for each in told[:15]], dtype=torch.float64))
    before, unsure = model.predict(x)
    after, surer = model.believing(x[15:]).predict(x)
    assert torch.allclose(before, after, atol=1e-4)
    assert (surer[15:] < unsure[15:]).all()


def test_a_long_history_is_cut_to_its_front_and_a_spaced_rest():
    _, told = observations(2 * MOST_TOLD)
    some = kept(told)
    assert len(some) == MOST_TOLD
    assert kept(told[:MOST_TOLD]) == told[:MOST_TOLD]
    best = max(told, key=lambda each: each.accuracy)
    assert best in some
