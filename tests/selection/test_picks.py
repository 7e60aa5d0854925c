"""Picks by name."""

import pytest

from autopeft.errors import AutopeftError
from autopeft.selection import knee, pick
from autopeft.study import Front, FrontRow, Scale

SCALE = Scale(backbone=1_000_000, limit=10_000, cheapest=10)


def row(trial, params, accuracy):
    return FrontRow(
        trial, {"modules": {}, "training": {}}, "", params, params / 1e6, {"params": params}, accuracy, None, None
    )


ROWS = (row(0, 0, 0.60), row(4, 100, 0.78), row(2, 1_000, 0.797), row(3, 10_000, 0.80))
FRONT = Front(ROWS, (row(1, 73_000, 0.7),), (row(5, 500, 0.5),), None, "")


@pytest.mark.parametrize(
    ("name", "trial"),
    [
        ("best", 3),
        ("knee", 4),
        ("cheapest-within 0.5pt", 2),
        ("cheapest-within 2 pt", 4),
        ("cheapest-within 0pt", 3),
        ("budget 0.1%", 2),
        ("budget 50", 0),
        ("5", 5),
        ("1", 1),
    ],
)
def test_names(name, trial):
    assert pick(FRONT, SCALE, name).trial == trial


@pytest.mark.parametrize("name", ["bset", "77", "cheapest-within", "budget lots", ""])
def test_what_is_no_pick_says_so(name):
    with pytest.raises(AutopeftError, match=r"expected|number"):
        pick(FRONT, SCALE, name)


def test_where_nothing_is_above_the_line_the_best_is_the_knee():
    assert knee(Front(ROWS[:2], (), (), None, ""), SCALE).trial == 4
    sagging = (row(0, 0, 0.60), row(4, 100, 0.61), row(2, 1_000, 0.65), row(3, 10_000, 0.80))
    assert knee(Front(sagging, (), (), None, ""), SCALE).trial == 3
    with pytest.raises(AutopeftError, match="no trial has finished"):
        pick(Front((), (), (), None, ""), SCALE, "best")
