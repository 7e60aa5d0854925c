import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from autopeft.samplers import hypervolume, hypervolume_of_many
from autopeft.samplers.acquisition import log_expected_growth
from autopeft.samplers.features import Features
from autopeft.samplers.history import Observation
from autopeft.samplers.points import AffordablePoints
from autopeft.samplers.surrogate import fit_accuracy
from autopeft.samplers.thinning import MOST_TOLD, kept
from autopeft.testing.samplers import LIMIT, toy_accuracy, toy_cost, toy_space

UNIT = st.floats(0, 1)
REFERENCE = 0.3


@given(st.lists(st.tuples(UNIT, UNIT), min_size=1, max_size=8), UNIT, UNIT, st.floats(0.01, 0.3))
def test_equals_the_mean_growth_over_many_draws(front, at, mean, deviation):
    at_known, known = torch.tensor(front, dtype=torch.float64).T
    one = torch.tensor([1.0], dtype=torch.float64)
    found = log_expected_growth(
        mean * one, deviation * one, at * one[:, None], known, at_known[:, None], REFERENCE
    ).exp()

    def area(costs, accuracies):
        scale = {"limit": 10.0, "reference": REFERENCE, "cheapest": 1.0}
        return hypervolume([10**cost for cost in costs], accuracies, **scale)

    before = area(at_known.tolist(), known.tolist())
    quantiles = (np.arange(400) + 0.5) / 400
    draws = mean + deviation * np.sqrt(2) * torch.erfinv(torch.tensor(2 * quantiles - 1)).numpy()
    grown = [area([*at_known.tolist(), at], [*known.tolist(), draw]) - before for draw in draws]
    assert abs(float(found) - np.mean(grown)) < 0.01 * deviation + 1e-4


@given(st.lists(st.tuples(UNIT, UNIT, UNIT), min_size=1, max_size=6), st.tuples(UNIT, UNIT), UNIT)
def test_growth_over_two_costs_is_that_of_the_hypervolume(front, at, mean):
    *_, known = table = torch.tensor(front, dtype=torch.float64).T
    almost_sure = torch.tensor([1e-9], dtype=torch.float64)
    found = log_expected_growth(
        torch.tensor([mean], dtype=torch.float64),
        almost_sure,
        torch.tensor([at]).double(),
        known,
        table[:2].T,
        REFERENCE,
    )

    def volume(points):
        costs = [[10**cost for cost in point[:2]] for point in points]
        scale = {"ranges": [(1.0, 10.0)] * 2, "reference": REFERENCE}
        return hypervolume_of_many(costs, [point[2] for point in points], **scale)

    assert float(found.exp()) == pytest.approx(volume([*front, (*at, mean)]) - volume(front), abs=1e-6)


def observations(count):
    points = AffordablePoints(toy_space(), toy_cost, LIMIT)
    rng = np.random.default_rng(0)
    drawn = [points.draw(rng) for _ in range(count)]
    return points, [
        Observation(each, toy_accuracy(each.configuration), failed=False, costs=[each.cost]) for each in drawn
    ]


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
