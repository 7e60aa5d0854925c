"""GOT-D's selection, against the entropic transport problem solved in another way, and on planted clusters."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from autopeft.errors import ConfigurationError
from autopeft.levers import SELECT, Pool
from autopeft.levers.sinkhorn import calibrated, potentials
from autopeft.levers.transport import transport_scores

RNG = np.random.default_rng(0)
COST = RNG.random((6, 5))


def value(source, epsilon=0.1, cost=COST):
    """The entropic transport from given mass to mass alike, from its definition: the least of cost and divergence."""
    target = np.full(cost.shape[1], 1 / cost.shape[1])
    f, g = potentials(cost, epsilon, source, target, tolerance=1e-13)
    plan = source[:, None] * target * np.exp((f[:, None] + g - cost) / epsilon)
    np.testing.assert_allclose(plan.sum(0), target, atol=1e-12)
    np.testing.assert_allclose(plan.sum(1), source, atol=1e-12)
    divergence = (plan * np.log(plan / (source[:, None] * target))).sum()
    return float((plan * cost).sum() + epsilon * divergence)


def test_the_value_is_the_least_of_all_plans():
    """Against a general optimiser over all plans, which knows nothing of duality."""
    cost, epsilon = COST[:3, :3], 0.2
    base = np.full((3, 3), 1 / 9)

    def objective(free):
        a, b, c, d = free
        plan = np.array([[a, b, 0], [c, d, 0], [0, 0, 0]])
        plan[:, 2] = 1 / 3 - plan.sum(1)
        plan[2] = 1 / 3 - plan[:2].sum(0)
        if (plan <= 0).any():
            return 1e9
        return (plan * cost).sum() + epsilon * (plan * np.log(plan / base)).sum()

    best = minimize(objective, np.full(4, 1 / 9), method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-14})
    assert value(np.full(3, 1 / 3), epsilon, cost) == pytest.approx(best.fun, abs=1e-8)


@pytest.mark.parametrize("row", range(6))
def test_the_gradient_is_that_of_moving_mass_from_all_others(row):
    source, step = np.full(6, 1 / 6), 1e-5
    moved = np.full(6, -step / 5)
    moved[row] = step
    slope = (value(source + moved) - value(source - moved)) / (2 * step)
    f, _ = potentials(COST, 0.1, tolerance=1e-13)
    assert calibrated(f)[row] == pytest.approx(slope, abs=1e-8)
    assert f[row] - np.delete(f, row).mean() == pytest.approx(calibrated(f)[row])


def choose(scores, share=0.5, direction="near"):
    data = {"select": "optimal_transport", "share": share}
    asked = SELECT.asked({**data, "optimal_transport_epsilon": 0.1, "optimal_transport_direction": direction})
    count = round(share * len(scores))
    pool = Pool(len(scores), {"transport": scores})
    return set(asked.word.choose(pool, count, asked.knobs, np.random.default_rng(0)).tolist())


def clusters():
    """Forty rows around one direction and forty around another; the target lies around the first."""
    rng = np.random.default_rng(1)
    ahead, aside = np.eye(8)[:2]
    on, off, target = (
        centre + 0.2 * rng.normal(size=(count, 8)) for centre, count in ((ahead, 40), (aside, 40), (ahead, 30))
    )
    return np.concatenate([on, off]), target


def test_the_cluster_on_target_is_chosen_first_and_the_other_where_the_target_is_negative():
    pool, target = clusters()
    scores = transport_scores(pool, 0.1, np.random.default_rng(0), target)
    assert choose(scores) == set(range(40))
    assert choose(scores, direction="far") == set(range(40, 80))


def test_another_embedder_chooses_otherwise():
    pool, target = clusters()
    blind = np.ones(8)
    blind[:2] = 1e-3
    first, other = (
        choose(transport_scores(pool * each, 0.1, np.random.default_rng(0), target * each)) for each in (1.0, blind)
    )
    assert len(first & other) < 35


def test_towards_the_pool_itself_rows_that_lie_apart_come_last():
    pool, _ = clusters()
    lonely = np.concatenate([pool, -pool[:1]])
    scores = transport_scores(lonely, 0.1, np.random.default_rng(0))
    assert scores.argmax() == 80
    assert 80 not in choose(scores, 0.9)


def test_who_is_among_the_drawn_targets_makes_no_difference(monkeypatch):
    """No row is moved onto itself: those that were drawn would all be best otherwise."""
    monkeypatch.setattr("autopeft.levers.transport._PAIRS", 400 * 100)
    rng = np.random.default_rng(2)
    pool = rng.normal(size=(400, 4))
    drawn = np.random.default_rng(0).permutation(400)[:100]
    chosen = choose(transport_scores(pool, 0.1, np.random.default_rng(0)), 0.25)
    assert 10 < len(chosen & set(drawn.tolist())) < 45


@given(st.lists(st.integers(-99, 99), min_size=2, max_size=20, unique=True), st.integers(-99, 99))
def test_a_constant_more_changes_nothing(scores, constant):
    found = choose(np.array(scores) / 8)
    assert found == choose((np.array(scores) + constant) / 8)
    assert found == set(np.argsort(scores)[: round(len(scores) / 2)].tolist())


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 30), st.integers(1, 30), st.sampled_from([0.01, 0.1, 10.0]), st.integers(0, 2**31))
def test_mass_arrives_whatever_the_costs_are(rows, targets, epsilon, seed):
    rng = np.random.default_rng(seed)
    cost = rng.random((rows, targets)) ** 4 * 10
    f, g = potentials(cost / cost.mean(), epsilon)
    plan = np.exp((f[:, None] + g - cost / cost.mean()) / epsilon) / (rows * targets)
    assert np.abs(plan.sum(1) - 1 / rows).sum() <= 1e-3
    np.testing.assert_allclose(plan.sum(0), 1 / targets, atol=1e-9)


@pytest.mark.parametrize("pool", [np.ones((1, 3)), np.ones((5, 3)), np.zeros((4, 3)), np.eye(2)])
def test_rows_that_cannot_be_told_apart_are_alike(pool):
    scores = transport_scores(pool, 0.1, np.random.default_rng(0))
    np.testing.assert_allclose(scores, scores[0], atol=1e-9)


def test_what_does_not_settle_is_said(monkeypatch):
    monkeypatch.setattr("autopeft.levers.sinkhorn._ROUNDS", 2)
    with pytest.raises(ConfigurationError, match=r"epsilon of 0\.001 has not settled after 40 steps; expected a l"):
        potentials(COST, 0.001)
