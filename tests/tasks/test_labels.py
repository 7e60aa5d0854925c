"""What a label column's values are called, and what is no column of classes."""

import datetime
from decimal import Decimal

import pytest

from autopeft.errors import DataError
from autopeft.tasks.labels import label_names


def names(values, *, named=False, asked=False):
    placed = [(f"'a.csv', line {number}", value) for number, value in enumerate(values, 2)]
    found = label_names(placed, "label", "a.csv", named=named, asked=asked)
    return [found.of(value) for value in values], found.notes


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (
            [0, "0", 0.0, "0.0", 1, "1", 1.0, True and 1, Decimal("1.0"), "-2", -2.0, "-2.0"],
            "0 0 0 0 1 1 1 1 1 -2 -2 -2",
        ),
        (["01", "1", "1.0", 1, 1.0, "x"], "01 1 1.0 1 1.0 x"),
        (["1.10", "1.1", "beta"], "1.10 1.1 beta"),
        ([True, False, "true"], "true false true"),
        ([" yes ", "no"], "yes no"),
        ([datetime.date(2024, 5, 1), "2024-05-01"], "2024-05-01 2024-05-01"),
        (["null", "n/a", "nan"], "null n/a nan"),
        (["1,000", "2,000"], "1,000 2,000"),
    ],
)
def test_numbers_are_one_class_only_where_all_are_numbers(values, expected):
    assert names(values * 4)[0] == expected.split() * 4


def test_whole_numbers_that_repeat_are_classes_and_that_is_said():
    found, notes = names([*range(150)] * 7)
    assert found == [str(number) for number in range(150)] * 7
    assert "whole numbers, each taken as a class (150 of them)" in notes[0]
    assert "--kind regression" in notes[0]
    assert names(["1", "1.0", "2"] * 4)[1][1] == "labels of 'label' that are one number are one class: 1 and 1.0"


def test_decimal_commas_are_numbers():
    assert names(["1,0", "2,0", "1"] * 4)[0] == ["1", "2", "1"] * 4
    with pytest.raises(DataError, match=r"3 different numbers from 0\.5 to 2 in 12 rows, with decimals: a scale"):
        names(["0,5", "1,25", "2,0"] * 4)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            [0.0, 0.2, 0.4, 5.0] * 20,
            r"'a.csv': the label column 'label' holds 4 different numbers from 0 to 5 in 80 rows",
        ),
        ([*range(40)] * 2, "40 different numbers from 0 to 39 in 80 rows, which hardly repeat"),
    ],
)
def test_scales_are_no_classes_unless_that_is_said(values, message):
    with pytest.raises(DataError, match=message):
        names(values)
    assert len(set(names(values, asked=True)[0])) == len(set(values))


def test_names_that_a_source_gives_are_names():
    assert names(["0.5", "1.5"], named=True) == (["0.5", "1.5"], ())


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([["billing"], ["login"]], r"'a.csv', line 2: the label column 'label' holds a list .*kind multilabel"),
        (["x", []], "line 3: the label column 'label' holds an empty list"),
        (["x", {"a": 1}], "line 3: the label column 'label' holds an object"),
        (["1,2", "1", "2", "2,1", "3"] * 3, "several labels joined by ','"),
        (["1", 2.0, float("inf")], "line 4: the label column 'label' holds the number inf"),
        (["['billing', 'login']", "['login']"], "holds lists, such as .*kind multilabel"),
        (
            ["joy", "love", "anger", "joy;love", "joy;anger", "love;anger"],
            "several labels joined by ';', such as 'joy;love'",
        ),
    ],
)
def test_several_labels_a_row_are_refused_by_name(values, message):
    with pytest.raises(DataError, match=message):
        names(values)


def test_separators_within_names_are_no_matter():
    values = ["yes, please", "no; never", "<b>|pipe|</b>", "two\nlines"]
    assert names(values)[0] == values
    combined = ["joy", "love", "anger", "joy;love", "joy;anger", "love;anger"]
    assert names(combined, asked=True)[0] == combined


@pytest.mark.parametrize(
    "values", [["[SPAM]", "[HAM]"], ["1e5000", "2"], ["9" * 5000, "1"], ["1e99999999", "x"], ["--1", "-1"]]
)
def test_odd_words_are_words(values):
    assert names(values * 3)[0] == values * 3


def test_labels_that_look_alike_are_named():
    alike = ["good", "good\u200b", "Good", "caf\u00e9", "cafe\u0301", "bad"]
    found, notes = names(alike)
    assert found == alike
    assert notes[0].startswith(
        "labels of 'label' that look alike are classes of their own: 'Good' and 'good' and 'good"
    )
    assert "'caf\\xe9'" in notes[0]
    assert names(["good", "bad"])[1] == ()
