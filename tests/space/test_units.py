"""Units of learning rates: what is written once suits narrow and wide backbones."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopeft.errors import SpaceError
from autopeft.space import SearchSpace
from autopeft.space.canonical import canonical
from autopeft.space.shape import rate_unit

WRITTEN = SearchSpace("s", modules={"lora": {"rank": 4}}, training={"learning_rate": "5e-4w..3e-2w log"})


@given(st.integers(8, 20_000), st.integers(8, 20_000))
def test_good_rates_are_no_higher_on_wider_models_and_the_same_on_narrow_ones(one, other):
    narrow, wide = sorted((one, other))
    assert 0 < rate_unit(wide) <= rate_unit(narrow) <= 1
    assert rate_unit(min(narrow, 576)) == 1


@pytest.mark.parametrize(("hidden", "low", "high"), [(384, 5e-4, 3e-2), (4096, 1.082e-4, 6.49e-3)])
def test_a_range_of_rates_follows_from_the_width(vocabulary, bert, hidden, low, high):
    [rate] = WRITTEN.bind(vocabulary, replace(bert, hidden=hidden)).parameters
    assert (rate.low, rate.high, rate.log) == (pytest.approx(low, rel=1e-3), pytest.approx(high, rel=1e-3), True)


def test_a_configuration_keeps_the_number(vocabulary, bert):
    written = {"modules": {"lora": {"rank": 4}}, "training": {"learning_rate": "2e-3w"}}
    assert canonical(written, vocabulary, bert).training["learning_rate"] == 2e-3
    assert canonical(written, vocabulary, replace(bert, hidden=4096)).training["learning_rate"] == 4.33e-4


def test_it_is_a_unit_of_learning_rates_alone(vocabulary, bert):
    space = SearchSpace("s", modules={"adapter": {"size": "8w"}})
    with pytest.raises(SpaceError, match="multiples of d, or multiples of f"):
        space.bind(vocabulary, bert)
