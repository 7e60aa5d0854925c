"""As many searches again, in a file of their own that another process may take."""

import pytest

from tests.simulation.test_simulation import quiet, wrong

__all__ = ["quiet"]


@pytest.mark.slow
@pytest.mark.parametrize("part", range(5, 10))
def test_whatever_happens_to_five_thousand_further_searches(monkeypatch, tmp_path, part) -> None:
    assert wrong(monkeypatch, range(1000 * part + 200, 1000 * part + 1200), tmp_path) == {}
