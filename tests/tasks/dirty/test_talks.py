"""Conversations and instructions with dirt of every kind, in every form: what is learned is what was marked."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.tasks.dirty.checking_talks import TALK_FORMATS, TalkRecipe, check_talks, suited, talk_recipes, tokenizers
from tests.tasks.dirty.counts import counted_table, empty_cells
from tests.tasks.dirty.drawing import repeated


@pytest.fixture(scope="module")
def models() -> dict[str, Any]:
    return tokenizers()


def check(format: str, files: int, models: dict[str, Any], dirt: str | None = None) -> Counter[tuple[str, str, str]]:
    """Check so many files of a format; return how many of each dirt were read, and how many refused.

    Args:
        format: The format.
        files: How many.
        models: What `tokenizers` returned.
        dirt: A kind of dirt that all of them have; any when left out.
    """
    counts: Counter[tuple[str, str, str]] = Counter()

    def every(recipe: TalkRecipe) -> None:
        with tempfile.TemporaryDirectory() as folder:
            ended = check_talks(recipe, Path(folder), models)
        counts[recipe.dirt or "none", format, ended] += 1

    repeated(talk_recipes(format, dirt), files, f"{format} {dirt}", every)
    return counts


@pytest.mark.parametrize("format", TALK_FORMATS)
def test_some_files(format: str, models: dict[str, Any]) -> None:
    assert check(format, 10, models)


@pytest.mark.slow
def test_many_files(models: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    cells = [(format, dirt) for format in TALK_FORMATS for dirt in ("", *suited(format))]
    counts = sum((check(format, 7, models, dirt) for format, dirt in cells), Counter())
    with capsys.disabled():
        print(f"\n{counted_table(counts, list(TALK_FORMATS), suited)}")
    assert not empty_cells(counts, list(TALK_FORMATS), suited)
