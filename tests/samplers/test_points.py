import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopeft.errors import BudgetError
from autopeft.methods import VOCABULARY
from autopeft.samplers import cheapest_cost
from autopeft.samplers.features import Features
from autopeft.samplers.points import AffordablePoints
from autopeft.space import SearchSpace
from autopeft.testing.samplers import small_space, toy_cost, toy_space

SPACE = toy_space()
POINTS = AffordablePoints(SPACE, toy_cost, 3000)


def test_cheapest_is_rank_one_in_one_matrix():
    assert cheapest_cost(SPACE, toy_cost) == 128
    assert cheapest_cost(small_space(), toy_cost) == 4 * 128  # every layer; one prefix


def test_budget_nothing_meets():
    with pytest.raises(BudgetError, match="cheapest found has 128"):
        AffordablePoints(SPACE, toy_cost, 127)


@given(st.integers(0, 2**32))
def test_draws_are_affordable_and_canonical(seed):
    point = POINTS.draw(np.random.default_rng(seed))
    assert point.cost == toy_cost(point.configuration) <= 3000
    assert SPACE.encode(point.configuration) == point.params


@given(st.integers(0, 2**32), st.integers(128, 3000))
def test_within_a_bound(seed, bound):
    rng = np.random.default_rng(seed)
    point = POINTS.point(SPACE.sample(rng))
    mended = POINTS.within(point, bound, rng)
    assert mended.cost <= bound
    assert mended is point or point.cost > bound


def test_draws_spread_over_costs():
    rng = np.random.default_rng(0)
    costs = [POINTS.draw(rng).cost for _ in range(200)]
    quarters = np.histogram(np.log10(np.maximum(costs, 128)), bins=4, range=(np.log10(128), np.log10(3000)))[0]
    assert quarters.min() >= 20


def test_a_method_of_a_choice_gives_way_to_its_own_cheaper_points():
    space = SearchSpace(
        name="choice",
        layers="subset",
        choose={
            "lora": {"rank": "4..64 by x2", "targets": "subset of q, v"},
            "prefix": {"length": "1..64 by x2"},
        },
        training={"learning_rate": "1e-4..1e-2 log"},
    )
    points = AffordablePoints(space.bind(VOCABULARY, SPACE.shape), toy_cost, 3000)
    assert points.cheapest.params["choose"] == "prefix"
    rng = np.random.default_rng(0)
    drawn = [points.draw(rng) for _ in range(200)]
    placed = [point for point in drawn if point.cost]
    assert len({point.text for point in placed}) >= 0.98 * len(placed)
    lora = [point for point in drawn if point.params["choose"] == "lora"]
    assert 50 <= len(lora) <= 150
    # Below what any LoRA costs there is only the other method.
    assert points.within(lora[0], 511, rng).params["choose"] == "prefix"
    assert points.within(lora[0], 512, rng).params["choose"] == "lora"


def test_small_space_is_enumerated_once_each():
    points = AffordablePoints(small_space(), toy_cost, 10**9)
    assert len(points.all) == len({point.text for point in points.all}) == 12


def test_neighbours_are_other_affordable_points():
    rng = np.random.default_rng(1)
    point = POINTS.point({**POINTS.cheapest.params, "layer.3": 1, "lora.rank": 2})
    near = POINTS.neighbours(point, rng, most=5)
    assert len({each.text for each in near} - {point.text}) == 5
    assert all(each.cost <= 3000 for each in near)


def test_features_end_with_the_log_cost():
    features = Features(POINTS)
    rows = features.encode([POINTS.cheapest, POINTS.draw(np.random.default_rng(2))])
    assert rows.min() >= 0
    assert rows.max() <= 1
    assert rows[0, -1] == 0
    assert features.log_cost(3000) == pytest.approx(1)
    assert features.log_cost(0) == 0
