"""Who is trained again."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopeft.errors import AutopeftError
from autopeft.methods import (
    STOCK_LEARNING_RATE,
    VOCABULARY,
    decoder_learning_rate,
    preference_learning_rate,
    stock_lora,
)
from autopeft.selection.contenders import contenders_of, learning_rates, spread
from autopeft.space import BackboneShape, canonical, load_space
from autopeft.study import Front

SHAPE = BackboneShape(30, 576, 1536, ("q", "k", "v", "o", "up", "gate", "down"))
RATES = [
    ("default", 576, STOCK_LEARNING_RATE),
    *(("llm", each, decoder_learning_rate(each)) for each in (576, 4096)),
    *(("preference", each, preference_learning_rate(each)) for each in (576, 4096)),
]


@given(st.integers(0, 60), st.integers(2, 9))
def test_a_spread_has_both_ends_and_no_row_twice(count, most):
    rows = list(range(count))
    chosen = spread(rows, most)
    assert len(chosen) == min(count, most)
    assert chosen == sorted(set(chosen))
    assert {*rows[:1], *rows[-1:]} <= set(chosen)


@pytest.mark.parametrize(("space", "hidden", "rate"), RATES)
def test_stock_lora_gets_three_learning_rates_that_of_its_trial_among_them_and_all_can_be_searched(space, hidden, rate):
    rates = learning_rates(rate)
    assert len(rates) == 3
    assert rate in rates
    bound = load_space(space).bind(VOCABULARY, replace(SHAPE, hidden=hidden))
    assert all(bound.contains(stock_lora(SHAPE, each)) or bound.contains(with_own_rate(each)) for each in rates)


def test_the_rate_of_stock_lora_falls_with_the_width_of_a_decoder_and_is_never_above_the_measured_one():
    assert [decoder_learning_rate(hidden) for hidden in (64, 576, 2048, 4096)] == [4e-3, 4e-3, 1.5e-3, 8.7e-4]
    assert [preference_learning_rate(hidden) for hidden in (64, 576, 4096)] == [2e-3, 2e-3, 4.3e-4]


def with_own_rate(rate):
    """Return stock LoRA as spaces have it whose methods each bring their learning rate."""
    data = stock_lora(SHAPE, rate).to_dict()
    data["modules"]["lora"]["learning_rate"] = data["training"].pop("learning_rate")
    return canonical(data, VOCABULARY, SHAPE)


def test_quantised_weights_are_not_fine_tuned():
    rows = tuple(SimpleNamespace(baseline=name, failed=False) for name in ("head-only", "stock-lora"))
    run = SimpleNamespace(front=Front((), rows, (), None, ""), folder="run")
    prepared = SimpleNamespace(backbone=SimpleNamespace(quantization="4bit"))
    with pytest.raises(AutopeftError, match="--with-full trains the backbone's own weights, which are held in 4bit"):
        contenders_of(prepared, run, with_full=True)
