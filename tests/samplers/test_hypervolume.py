import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopeft.samplers import (
    accuracy_to_grow,
    hypervolume,
    hypervolume_of_many,
    pareto_front,
    pareto_front_of_many,
)

POINTS = st.lists(st.tuples(st.integers(0, 3000), st.floats(0, 1)), max_size=12)
SCALE = {"limit": 1000, "reference": 0.5, "cheapest": 10}


def test_two_points():
    # One decade at 0.1 over the reference, one at 0.3.
    assert hypervolume([10, 100], [0.6, 0.8], **SCALE) == pytest.approx(0.1 + 0.3)


def test_what_scores_nothing():
    assert hypervolume([], [], **SCALE) == 0
    assert hypervolume([2000, 10, 1000], [0.9, 0.5, 0.9], **SCALE) == 0


def test_costs_below_the_cheapest_count_as_it():
    assert hypervolume([0], [0.6], **SCALE) == hypervolume([10], [0.6], **SCALE) == pytest.approx(0.2)
    assert hypervolume([0, 10], [0.6, 0.7], **SCALE) == pytest.approx(0.4)


@given(POINTS)
def test_equals_the_area_summed_up_on_a_grid(points):
    costs, accuracies = [p[0] for p in points], [p[1] for p in points]
    positions = np.linspace(1, 3, 4001)[:-1] + 0.00025
    logs = np.log10(np.maximum(costs, 10)) if points else np.array([])
    heights = [max([a - 0.5 for x, a in zip(logs, accuracies, strict=True) if x <= at] + [0]) for at in positions]
    assert hypervolume(costs, accuracies, **SCALE) == pytest.approx(np.mean(heights) * 2, abs=1e-3)


@given(POINTS)
def test_front_is_what_nothing_dominates(points):
    front = pareto_front([p[0] for p in points], [p[1] for p in points])
    chosen = {points[i] for i in front}
    assert len(chosen) == len(front)
    undominated = {p for p in points if not any(q != p and q[0] <= p[0] and q[1] >= p[1] for q in points)}
    assert chosen == undominated
    assert [points[i] for i in front] == sorted(points[i] for i in front)


@given(POINTS, st.integers(0, 3000), st.floats(0, 0.2))
def test_the_accuracy_to_grow_is_where_growth_begins_to_exceed_the_share(points, cost, growth):
    costs, accuracies = [p[0] for p in points], [p[1] for p in points]
    needed = accuracy_to_grow(costs, accuracies, cost, growth, **SCALE)
    before = hypervolume(costs, accuracies, **SCALE)
    if cost >= SCALE["limit"]:
        assert needed == np.inf
        return

    def grown(accuracy):
        return hypervolume([*costs, cost], [*accuracies, accuracy], **SCALE) - before

    assert grown(needed) == pytest.approx(growth * before, abs=1e-9)
    assert grown(needed + 0.01) > growth * before


def test_without_a_share_to_grow_by_it_is_the_best_of_equal_or_lower_cost():
    points = [10, 100, 500], [0.6, 0.7, 0.9]
    assert accuracy_to_grow(*points, 100, 0.0, **SCALE) == 0.7
    assert accuracy_to_grow(*points, 99, 0.0, **SCALE) == 0.6
    assert accuracy_to_grow([], [], 99, 0.0, **SCALE) == SCALE["reference"]


TRIPLES = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40), st.floats(0, 1)), max_size=12)


@given(TRIPLES)
def test_front_of_two_costs_is_what_nothing_dominates(points):
    front = pareto_front_of_many([p[:2] for p in points], [p[2] for p in points])
    chosen = {points[i] for i in front}
    assert len(chosen) == len(front)
    assert chosen == {
        p for p in points if not any(q != p and q[0] <= p[0] and q[1] <= p[1] and q[2] >= p[2] for q in points)
    }


@given(POINTS)
def test_one_cost_scores_as_before(points):
    costs, accuracies = [p[0] for p in points], [p[1] for p in points]
    several = hypervolume_of_many([[cost] for cost in costs], accuracies, ranges=[(10, 1000)], reference=0.5)
    assert several == pytest.approx(hypervolume(costs, accuracies, **SCALE), abs=1e-9)
    assert pareto_front_of_many([[cost] for cost in costs], accuracies) == pareto_front(costs, accuracies)


def test_two_costs_of_one_point():
    ranges = [(10, 1000), (1, 100)]
    assert hypervolume_of_many([[10, 10]], [0.8], ranges=ranges, reference=0.5) == pytest.approx(2 * 1 * 0.3)
