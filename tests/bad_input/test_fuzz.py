"""Whatever is written in a space, a budget, a configuration or a plan: it works, or one message says why not."""

import pytest

from tests.bad_input.fuzz import TARGETS, ends_of


@pytest.mark.parametrize("amount", [200, pytest.param(20_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", TARGETS)
def test_it_works_or_says_why_not(name, amount):
    ends = ends_of(name, amount)
    assert ends["it works"]
    assert len(ends) > 1
