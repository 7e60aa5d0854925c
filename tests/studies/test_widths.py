"""What recorded runs say of learning rates: exponents are found again, and best rates lost nothing."""

import numpy as np
import pytest

from studies.arena.catalogue import SHARED_TABLES
from studies.decoders.widths import Curve, curves, fit

RATES = np.log10([4e-5, 1e-4, 3e-4, 1e-3])


def curve(width, rank, centre=4e-4, width_exponent=-0.5, rank_exponent=0.3):
    best = np.log10(centre * (width / 2048) ** width_exponent * (rank / 16) ** rank_exponent)
    return Curve(f"m{width}", width, rank, RATES, 0.5 + 0.1 * (RATES - best) ** 2)


def test_exponents_are_found_again_where_the_best_lies_inside_and_beyond_what_was_tried():
    found = [curve(width, rank) for width in (1024, 2048, 4096, 8192) for rank in (1, 4, 16, 64)]
    known = [each.best[0] == each.best[1] for each in found]
    assert {*known} == {True, False}
    centre, of_width, of_rank = fit(found)
    assert 10**centre == pytest.approx(4e-4, rel=0.05)
    assert (of_width, of_rank) == (pytest.approx(-0.5, abs=0.03), pytest.approx(0.3, abs=0.03))
    assert fit(found, (-0.78, None))[1] == -0.78


def test_nothing_is_lost_at_the_best_rate_and_more_the_farther_from_it():
    one = curve(4096, 16)
    best, highest = one.best
    assert best == highest == pytest.approx(np.log10(4e-4 * 2**-0.5))
    lost = [one.lost(best + step) for step in (0.0, 0.1, 0.2, 0.3)]
    assert lost[0] == pytest.approx(0, abs=1e-9)
    assert lost == sorted(lost)
    assert lost[-1] == pytest.approx(0.1 * 0.3**2)


@pytest.mark.skipif(not SHARED_TABLES.is_dir(), reason=f"no recorded runs in {SHARED_TABLES}")
def test_every_recorded_model_has_a_width_and_losses_that_fall_with_the_best_rate():
    found = curves()
    assert len({each.model for each in found}) == 34
    known = [each for each in found if each.best[0] == each.best[1]]
    assert len(known) > 80
    assert all(abs(each.lost(each.best[0])) < 1e-9 for each in known)
