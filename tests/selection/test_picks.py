"""Picks by name."""

from dataclasses import replace

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


def baseline(trial, params, accuracy, name):
    return replace(row(trial, params, accuracy), baseline=name)


HEAD = baseline(0, 0, 0.60, "head-only")
WITH_BASELINES = Front(
    (HEAD, *ROWS[1:]),
    (HEAD, baseline(1, 73_000, 0.7, "stock-lora"), baseline(6, 660_000, 0.9, "all-linear")),
    (),
    None,
    "",
)


@pytest.mark.parametrize(("name", "trial"), [("head", 0), ("stock", 1), ("all-linear", 6)])
def test_baselines_have_names(name, trial):
    assert pick(WITH_BASELINES, SCALE, name).trial == trial


def test_a_baseline_that_was_not_measured_says_so():
    with pytest.raises(AutopeftError, match="has not measured low-rank; it has head, stock, all-linear"):
        pick(WITH_BASELINES, SCALE, "low-rank")


def test_what_is_not_better_than_the_head_is_no_knee():
    # Far above the line, and yet only what the head alone reaches.
    flat = (replace(row(4, 20, 0.60)), row(2, 1_000, 0.61), row(3, 10_000, 0.80))
    assert knee(Front((HEAD, *flat), (HEAD,), (), None, ""), SCALE).trial == 3
    with pytest.raises(AutopeftError, match="nothing on the front is better than what has no adapters"):
        pick(Front((HEAD,), (HEAD,), (), None, ""), SCALE, "knee")


def test_a_stopped_trial_may_be_picked_and_is_called_stopped():
    stopped = replace(row(9, 50, 0.41), status="stopped", standing="no-end")
    front = replace(WITH_BASELINES, stopped=(stopped,))
    assert pick(front, SCALE, "9").reached == "0.4100 on validation when it was stopped"
    assert pick(front, SCALE, "2").reached == "0.7970 on validation"
