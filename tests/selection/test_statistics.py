"""Intervals over seeds and examples: they cover, pairing narrows them, and many comparisons widen them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from autopeft.selection.statistics import CONFIDENCE, estimate, on_front


def draw(rng, means, *, seeds=3, examples=300, luck=0.06, common=0.7, own=0.15):
    """Draw right and wrong answers: examples are hard for all, for one contender, or for one training.

    Args:
        rng: The generator.
        means: Accuracies over all seeds and examples.
        seeds: Trainings of each.
        examples: Examples.
        luck: Standard deviation of what a seed adds to a probit of variance 1.
        common: Share of an example's variance that all contenders share.
        own: Share that the trainings of one contender share.
    """
    hard = rng.normal(0, np.sqrt(common), examples)
    scores = []
    for mean in means:
        level = norm.ppf(mean) * np.sqrt(1 + luck**2) + luck * rng.normal(size=(seeds, 1))
        mine = rng.normal(0, np.sqrt(own), examples)
        rest = rng.normal(0, np.sqrt(1 - common - own), (seeds, examples))
        scores.append((level + hard + mine + rest > 0).astype(float))
    return scores


def test_intervals_cover_what_they_say():
    means = (0.76, 0.77, 0.75, 0.6)
    single, together = [], []
    for seed in range(500):
        found = estimate(draw(np.random.default_rng(seed), means))
        single += [abs(found.means[i] - mean) <= found.margin(i) for i, mean in enumerate(means)]
        pairs = [(i, j) for i in range(4) for j in (0, 1) if i != j]
        differences = found.differences(pairs)
        together.append(
            all(abs(differences[i, j].mean - (means[i] - means[j])) <= differences[i, j].margin for i, j in pairs)
        )
    assert np.mean(single) == pytest.approx(CONFIDENCE, abs=0.02)
    assert np.mean(together) == pytest.approx(CONFIDENCE, abs=0.025)


def test_what_seeds_do_to_a_head_says_nothing_of_adapters():
    rng = np.random.default_rng(0)
    adapted = draw(rng, (0.7, 0.71, 0.72))
    still = np.repeat(draw(rng, (0.6,), seeds=1)[0], 3, axis=0)
    alone, beside = estimate(adapted), estimate([*adapted, still], head=3)
    assert beside.seeds[:3] == pytest.approx(alone.seeds)
    # The head's own is drawn towards that of the others, which is never too little.
    assert estimate([*adapted, still]).seeds[3] < beside.seeds[3] < alone.seeds.mean()


def test_pairing_narrows_and_many_comparisons_widen():
    rng = np.random.default_rng(0)
    alike = estimate(draw(rng, (0.7, 0.7), luck=0.01, common=0.9, own=0.05))
    apart = estimate(draw(rng, (0.7, 0.7), luck=0.01, common=0.1, own=0.8))
    assert alike.difference(0, 1).margin < 0.7 * apart.difference(0, 1).margin
    assert alike.margin(0) == pytest.approx(apart.margin(0), rel=0.2)
    many = estimate(draw(rng, (0.7,) * 6, luck=0.01))
    together = many.differences([(0, place) for place in range(1, 6)])
    assert together[0, 1].margin > 1.2 * many.difference(0, 1).margin
    # What hangs together widens less than as many differences that do not.
    tail = (1 - CONFIDENCE ** (1 / 5)) / 2
    assert together[0, 1].margin < norm.isf(tail) / norm.isf(0.025) * 1.02 * many.difference(0, 1).margin


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_a_difference_has_two_sides(seed):
    rng = np.random.default_rng(seed)
    found = estimate(draw(rng, rng.uniform(0.3, 0.9, 3), seeds=int(rng.integers(2, 5)), examples=60))
    one, other = found.difference(0, 1), found.difference(1, 0)
    assert one.mean == pytest.approx(-other.mean)
    assert one.margin == pytest.approx(other.margin)
    assert one.probability == pytest.approx(1 - other.probability)
    assert (one.probability > (1 + CONFIDENCE) / 2) == (one.mean > one.margin)


def test_seeds_count_as_seeds_and_nothing_trained_has_none():
    rng = np.random.default_rng(0)
    [steady, lucky], [untouched] = draw(rng, (0.7, 0.7), luck=0), draw(rng, (0.7,), luck=0, seeds=1)
    lucky[0, :30], lucky[1, :30] = 0, 1
    alone = estimate([lucky])
    found = estimate([lucky, steady, untouched], fixed=[2])
    assert found.seeds[2] == 0
    assert alone.seeds[0] > found.seeds[0] > found.seeds[1] > 0
    more = estimate([np.tile(lucky, (4, 1)), steady])
    assert more.seeds[0] < found.seeds[0] / 3


def test_nothing_is_beyond_doubt():
    found = estimate([np.ones((3, 50)), np.ones((3, 50))])
    assert found.margin(0) > 0.01
    assert found.difference(0, 1).mean == 0
    assert found.difference(0, 1).probability == 0.5


def test_who_is_on_the_front():
    costs = np.array([[1.0], [2.0], [2.0], [3.0]])
    draws = np.array([[0.5, 0.6, 0.7, 0.65], [0.5, 0.4, 0.3, 0.9]])
    assert on_front(costs, draws).tolist() == [1.0, 0.0, 0.5, 0.5]
