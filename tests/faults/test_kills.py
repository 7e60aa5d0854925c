"""Any process of a real search may be killed at any moment."""

import itertools

import pytest

from tests.faults.kills import Figures, kill


@pytest.mark.slow
def test_twenty_kills_of_any_process_lose_change_and_double_nothing(tmp_path) -> None:
    figures = Figures()
    for seed in itertools.count(1000):
        folder = tmp_path / str(seed)
        folder.mkdir()
        # A search may end before it was killed ten times.
        figures += kill(folder, seed, min(10, 20 - figures.kills.total()))
        assert (figures.lost, figures.changed, figures.doubled, figures.missing) == (0, 0, 0, 0), str(figures)
        if figures.kills.total() == 20:
            return
