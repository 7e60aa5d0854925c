"""What is said beforehand of intervals is about what they come to."""

import numpy as np
import pytest
from scipy.stats import norm

from autopeft.selection.power import USUAL, Noise, expected_half_width, foreseen, half_width
from autopeft.selection.statistics import estimate
from tests.selection.test_statistics import draw


def test_more_of_everything_tells_more():
    assert half_width(4_000, 0.75) < half_width(1_000, 0.75)
    assert half_width(1_000, 0.75, seeds=9) < half_width(1_000, 0.75, seeds=3)
    assert half_width(1_000, 0.95) < half_width(1_000, 0.75)
    assert half_width(1_000, 0.75, noise=Noise(0.2, 0.9, 0.06)) > half_width(1_000, 0.75)
    assert expected_half_width("test", 1_200) == half_width(1_200, 0.75)
    assert expected_half_width("validation", 1_200) == half_width(1_200, 0.75, seeds=1)
    # Seeds remain, however much is read.
    assert half_width(10**9, 0.75) == pytest.approx(
        half_width(1_000, 0.75) * 0 + 2.86 * norm.pdf(norm.ppf(0.75)) * USUAL.luck * np.sqrt(2 / 3), rel=0.01
    )


def test_the_formula_is_that_of_the_world_it_speaks_of():
    means, noise, widths = (0.75,) * 6, Noise(0.053, 0.9, 0.06), []
    for seed in range(30):
        scores = draw(np.random.default_rng(seed), means, seeds=3, examples=1_200, luck=0.053, common=0.9, own=0.06)
        found = estimate(scores).differences([(i, j) for i in range(6) for j in (0, 1, 2) if i != j])
        widths += [each.margin for each in found.values()]
    assert half_width(1_200, 0.75, noise=noise) == pytest.approx(np.mean(widths), rel=0.15)


def test_validation_foresees_the_widths_of_test():
    ratios = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        validation, test = (estimate(draw(rng, (0.7, 0.75, 0.72), examples=count)) for count in (600, 2_400))
        pairs = [(0, 1), (2, 1)]
        before, after = foreseen(validation, pairs, 2_400), test.differences(pairs)
        ratios += [before[pair].margin / after[pair].margin for pair in pairs]
    assert np.exp(np.mean(np.log(ratios))) == pytest.approx(1.0, abs=0.25)
