"""Who is trained again."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopeft.errors import AutopeftError
from autopeft.methods import STOCK_LEARNING_RATE
from autopeft.selection.contenders import contenders_of, spread, stock_learning_rates
from autopeft.study import Front


@given(st.integers(0, 60), st.integers(2, 9))
def test_a_spread_has_both_ends_and_no_row_twice(count, most):
    rows = list(range(count))
    chosen = spread(rows, most)
    assert len(chosen) == min(count, most)
    assert chosen == sorted(set(chosen))
    assert {*rows[:1], *rows[-1:]} <= set(chosen)


def test_stock_lora_gets_three_learning_rates_that_of_its_trial_among_them():
    rates = stock_learning_rates()
    assert len(rates) == 3
    assert STOCK_LEARNING_RATE in rates


def test_quantised_weights_are_not_fine_tuned():
    rows = tuple(SimpleNamespace(baseline=name) for name in ("head-only", "stock-lora"))
    run = SimpleNamespace(front=Front((), rows, (), None, ""), folder="run")
    prepared = SimpleNamespace(backbone=SimpleNamespace(quantization="4bit"))
    with pytest.raises(AutopeftError, match="--with-full trains the backbone's own weights, which are held in 4bit"):
        contenders_of(prepared, run, with_full=True)
