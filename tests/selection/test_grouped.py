"""Where examples come in groups, intervals are over groups."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from autopeft.selection.grouped import over_groups
from autopeft.selection.statistics import estimate


@given(seed=st.integers(0, 1000), count=st.integers(1, 50), groups=st.integers(1, 20))
def test_the_mean_is_that_of_all_examples(seed, count, groups):
    rng = np.random.default_rng(seed)
    scores, names = rng.random(count), [str(name) for name in rng.integers(groups, size=count)]
    found = over_groups(scores, names)
    assert len(found) == len(set(names))
    assert np.isclose(found.mean(), scores.mean())


def test_examples_that_stand_alone_are_as_they_were():
    scores = np.array([1.0, 0.0, 1.0])
    assert over_groups(scores, ()) is scores
    assert sorted(over_groups(scores, ["c", "a", "b"])) == [0.0, 1.0, 1.0]


def test_intervals_hold_where_groups_are_alike_and_would_not_over_examples():
    truth, held = 0.7, {True: 0, False: 0}
    for seed in range(200):
        rng = np.random.default_rng(seed)
        sizes = rng.integers(1, 15, size=60)
        names = np.repeat(np.arange(60), sizes).astype(str)
        # Of a group all are told rightly, or none.
        of_groups = np.repeat(rng.random(60) < truth, sizes).astype(float)
        scores = np.stack([of_groups, of_groups])
        for grouped in held:
            units = np.stack([over_groups(each, names if grouped else ()) for each in scores])
            found = estimate([units, units])
            held[grouped] += abs(found.means[0] - truth) <= found.margin(0)
    assert 0.91 <= held[True] / 200 <= 0.99
    assert held[False] / 200 < 0.7
