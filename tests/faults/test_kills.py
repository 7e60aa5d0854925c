"""Any process of a real search may be killed at any moment."""

import pytest

from tests.faults.kills import kill


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1000, 1001])
def test_kills_of_any_process_lose_change_and_double_nothing(tmp_path, seed) -> None:
    figures = kill(tmp_path, seed, 10)
    assert figures.kills.total() == 10
    assert (figures.lost, figures.changed, figures.doubled, figures.missing) == (0, 0, 0, 0), str(figures)
