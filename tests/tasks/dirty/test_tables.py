"""Tables with dirt of every kind, in every form: nothing is lost or learned wrongly in silence."""

from __future__ import annotations

import importlib.util
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings

from tests.tasks.dirty.checking import check_table
from tests.tasks.dirty.counts import counted_table, empty_cells
from tests.tasks.dirty.drawing import STABLE, applicable, recipes
from tests.tasks.dirty.forms import FORMATS
from tests.tasks.dirty.recipe import Recipe

_READABLE = [each for each in FORMATS if each != "xlsx" or importlib.util.find_spec("openpyxl")]


def check(format: str, files: int) -> Counter[tuple[str, str, str]]:
    """Check so many files of a format; return how many of each dirt were read, and how many refused."""
    counts: Counter[tuple[str, str, str]] = Counter()

    @settings(STABLE, max_examples=files)
    @given(recipe=recipes(format))
    def every(recipe: Recipe) -> None:
        with tempfile.TemporaryDirectory() as folder:
            ended = check_table(recipe, Path(folder))
        for name in recipe.dirt or ("none",):
            counts[name, format, ended] += 1

    every()
    return counts


@pytest.mark.parametrize("format", FORMATS)
def test_some_files(format: str) -> None:
    if format not in _READABLE:
        pytest.skip("openpyxl is not installed")
    assert check(format, 200 // len(FORMATS) + 1)


@pytest.mark.slow
def test_many_files(capsys: pytest.CaptureFixture[str]) -> None:
    counts = sum((check(format, 5000 // len(_READABLE) + 1) for format in _READABLE), Counter())
    with capsys.disabled():
        print(f"\n{counted_table(counts, _READABLE, applicable)}")
    assert not empty_cells(counts, _READABLE, applicable)
