"""What the study of data levers says follows from what it keeps."""

from __future__ import annotations

import numpy as np
import pytest

from studies.levers.show import difference_of, said, scores_of


def test_what_is_kept_is_what_was_right() -> None:
    right = np.random.default_rng(0).random((3, 13)) < 0.7
    row = {"examples": 13, "test": [np.packbits(each).tobytes().hex() for each in right]}
    assert np.array_equal(scores_of(row), right.astype(float))


@pytest.mark.parametrize(("gain", "expected"), [(0.2, "helped"), (-0.2, "hurt"), (0.0, "no difference is shown")])
def test_levers_are_said_by_their_intervals(gain: float, expected: str) -> None:
    rng = np.random.default_rng(1)
    hard = rng.random(2000)
    plain, lever = ((hard < level + 0.01 * rng.standard_normal((3, 1))).astype(float) for level in (0.6, 0.6 + gain))
    [found] = difference_of([plain, lever])
    assert found.mean == pytest.approx(lever.mean() - plain.mean())
    assert said(found) == expected
