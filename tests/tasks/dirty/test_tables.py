"""Tables with dirt of every kind, in every form: nothing is lost or learned wrongly in silence."""

from __future__ import annotations

import importlib.util
import math
import tempfile
from collections import Counter
from pathlib import Path

import pytest

from tests.tasks.dirty.checking import check_table
from tests.tasks.dirty.counts import counted_table, empty_cells
from tests.tasks.dirty.drawing import applicable, recipes, repeated
from tests.tasks.dirty.forms import FORMATS
from tests.tasks.dirty.recipe import Recipe

_READABLE = [each for each in FORMATS if each != "xlsx" or importlib.util.find_spec("openpyxl")]

_SOME, _MANY = 200, 5000


def check(format: str, files: int, dirt: str | None = None) -> Counter[tuple[str, str, str]]:
    """Check so many files of a format; return how many of each dirt were read, and how many refused.

    Args:
        format: The format.
        files: How many.
        dirt: A kind of dirt that all of them have; any when left out.
    """
    counts: Counter[tuple[str, str, str]] = Counter()

    def every(recipe: Recipe) -> None:
        with tempfile.TemporaryDirectory() as folder:
            ended = check_table(recipe, Path(folder))
        for name in recipe.dirt or ("none",):
            counts[name, format, ended] += 1

    repeated(recipes(format, dirt), files, f"{format} {dirt}", every)
    return counts


@pytest.mark.parametrize("format", FORMATS)
def test_some_files(format: str) -> None:
    if format not in _READABLE:
        pytest.skip("openpyxl is not installed")
    assert check(format, math.ceil(_SOME / len(FORMATS)))


@pytest.mark.slow
def test_many_files(capsys: pytest.CaptureFixture[str]) -> None:
    cells = [(format, dirt) for format in _READABLE for dirt in ("", *applicable(format))]
    counts = sum((check(format, math.ceil(_MANY / len(cells)), dirt) for format, dirt in cells), Counter())
    with capsys.disabled():
        print(f"\n{counted_table(counts, _READABLE, applicable)}")
    assert not empty_cells(counts, _READABLE, applicable)
