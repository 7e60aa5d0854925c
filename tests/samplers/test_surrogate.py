import numpy as np
import torch

from autopeft.samplers.features import Features
from autopeft.samplers.points import AffordablePoints
from autopeft.samplers.surrogate import fit_accuracy
from autopeft.testing.samplers import LIMIT, toy_cost, toy_space


def test_rates_are_the_columns_that_a_learning_rate_changes():
    points = AffordablePoints(toy_space(), toy_cost, LIMIT)
    features = Features(points)
    [name] = [each.name for each in points.space.parameters if "learning_rate" in each.name]
    here = points.draw(np.random.default_rng(0))
    there = points.point({**here.params, name: here.params[name] * 1.1})
    rows = features.encode([here, there])
    assert {column - rows.shape[1] for column in np.flatnonzero(rows[0] != rows[1])} == set(features.rates)


def test_an_expectation_beside_the_points_leaves_the_rates_where_they_were():
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.random((40, 4)))
    # Only the second column but one counts, as a rate does; the expectation is noise.
    y = torch.sin(3 * x[:, -2])
    expected = torch.from_numpy(rng.random((40, 1)))
    guided = torch.cat([x[:, :-1], expected, x[:, -1:]], dim=-1)
    plain = fit_accuracy(x[:30], y[:30], rates=[-2]).predict(x[30:])[0]
    beside = fit_accuracy(guided[:30], y[:30], rates=[-2], guided=True).predict(guided[30:])[0]
    torch.testing.assert_close(plain, beside, atol=0.02, rtol=0)
    torch.testing.assert_close(plain, y[30:], atol=0.1, rtol=0)


def test_a_model_of_noise_knows_that_it_knows_little():
    x = torch.from_numpy(np.random.default_rng(1).random((60, 20)))
    y = torch.from_numpy(np.random.default_rng(2).normal(size=60))
    model = fit_accuracy(x[:20], y[:20])
    mean, deviation = model.predict(x[20:])
    spread = (deviation.square() + model.noise * model.scale**2).sqrt()
    assert ((y[20:] - mean).abs() < 2 * spread).float().mean() > 0.8
