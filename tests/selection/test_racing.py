"""Races: everyone gets a chance, the hopeless are left out, further seeds go where the ranking is open."""

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from autopeft.selection.racing import FIRST_SEEDS, LEAST_SEEDS, Entry, standing
from tests.selection.test_statistics import draw


def entries(means, costs, *, seeds, luck=0.03, baselines=(), seed=0):
    scores = draw(np.random.default_rng(seed), means, seeds=max(seeds), luck=luck)
    return [
        Entry((float(cost),), list(each[:count]), stays=index in baselines)
        for index, (cost, each, count) in enumerate(zip(costs, scores, seeds, strict=True))
    ]


def test_first_everyone_gets_two_seeds():
    race = standing(entries((0.7, 0.5, 0.8), (1, 2, 3), seeds=(0, 1, 2)), most=5, at_once=2)
    assert race.live == (0, 1, 2)
    assert sorted(race.next) == [0, 0, 1]


def test_what_is_surpassed_is_left_out_and_the_others_get_a_third():
    race = standing(entries((0.6, 0.75, 0.5, 0.85), (1, 2, 3, 4), seeds=(2, 2, 2, 2)), most=5, at_once=2)
    assert race.live == (0, 1, 3)
    assert race.next == (0, 1, 3)


def test_baselines_stay_whatever_they_reach():
    field = entries((0.8, 0.6, 0.7, 0.5), (1, 2, 2, 2), seeds=(3, 3, 3, 3), baselines=(1, 2))
    race = standing(field, most=3, at_once=2)
    assert race.live == (0, 1, 2)
    assert race.next == ()


def test_seeds_go_to_those_whose_rank_is_open():
    field = entries((0.5, 0.7, 0.702, 0.9), (1, 2, 3, 4), seeds=(3, 3, 3, 3), luck=0.08)
    found = standing(field, most=20, at_once=2).next
    assert found
    assert set(found) <= {1, 2}
    settled = entries((0.5, 0.65, 0.8, 0.95), (1, 2, 3, 4), seeds=(3, 3, 3, 3), luck=0.01)
    assert standing(settled, most=20, at_once=2).next == ()


def test_what_seeds_do_not_change_gets_one():
    field = [
        Entry((0.0,), [np.zeros(300)], fixed=True),
        *entries((0.7, 0.71), (1, 2), seeds=(2, 2), luck=0.1),
    ]
    assert 0 not in standing(field, most=5, at_once=9).next


@given(st.integers(0, 2**32 - 1))
@example(241)  # one who was left out comes back when the means are nearly spent
@example(1568)
@settings(max_examples=15, deadline=None)
def test_a_race_ends_within_its_means_and_with_three_seeds_each(seed):
    rng = np.random.default_rng(seed)
    count = int(rng.integers(2, 6))
    pool = draw(rng, rng.uniform(0.6, 0.8, count), seeds=16, examples=80, luck=0.1)
    given_out = [0] * count
    while True:
        field = [Entry((float(i),), list(pool[i][:n])) for i, n in enumerate(given_out)]
        race = standing(field, most=16, at_once=2)
        if not race.next:
            break
        for index in race.next:
            given_out[index] += 1
    assert all(FIRST_SEEDS <= n <= 16 for n in given_out)
    assert all(given_out[index] >= LEAST_SEEDS for index in race.live)
    assert 0 in race.live
    assert sum(given_out) <= 4 * count
    assert race == standing(field, most=16, at_once=2)
