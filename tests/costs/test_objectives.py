"""Objectives are named, and their names checked."""

import pytest

from autopeft.costs import OBJECTIVES, read_objectives
from autopeft.errors import AutopeftError


@pytest.mark.parametrize(
    ("text", "costs"),
    [
        ("accuracy,params", ("params",)),
        ("bytes, accuracy", ("bytes",)),
        ("accuracy,memory,time", ("memory", "time")),
        ("params,accuracy,flops", ("params", "flops")),
    ],
)
def test_costs_keep_their_order(text, costs):
    assert read_objectives(text) == costs


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("accuracy", "expected accuracy and one or two of"),
        ("params", "expected accuracy and one or two of"),
        ("", "expected accuracy and one or two of"),
        ("accuracy,params,bytes,time", "expected accuracy and one or two of"),
        ("accuracy,params,params", "one stands twice"),
        ("accuracy,memroy", "did you mean 'memory'"),
    ],
)
def test_what_is_wrong_is_said(text, message):
    with pytest.raises(AutopeftError, match=message):
        read_objectives(text)


def test_values_are_written_for_people():
    assert OBJECTIVES["memory"].shown(3 * 2**20) == "3.0 MiB"
    assert OBJECTIVES["flops"].shown(12345.0) == "12,345"
    assert OBJECTIVES["time"].shown(1.2345) == "1.23"
