"""Each fault that is put into the readers is found, and found for what it is."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase

from tests.tasks.dirty.breakages import BREAKAGES, Breakage
from tests.tasks.dirty.checking import check_table
from tests.tasks.dirty.checking_talks import check_talks, suited, talk_recipes, tokenizers
from tests.tasks.dirty.drawing import applicable, recipes, repeated

#: A fault must show within so many files of one kind of dirt.
_FILES = 8


def holds(check: Callable[[Any, Path], str], recipe: Any) -> bool:
    """Tell whether the rule holds for a file."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            check(recipe, Path(folder))
        except AssertionError:
            return False
    return True


def first_broken(breakage: Breakage, check: Callable[[Any, Path], str]) -> Any:
    """Return the first recipe for which the rule does not hold; None where there is none."""
    found: list[Any] = []

    def every(recipe: Any) -> None:
        if not found and not holds(check, recipe):
            found.append(recipe)

    drawn, known = (talk_recipes, suited) if breakage.talks else (recipes, applicable)
    for dirt in ("", *known(breakage.format)):
        repeated(drawn(breakage.format, dirt), _FILES, f"{breakage.format} {dirt}", every, phases=[Phase.generate])
        if found:
            return found[0]
    return None


@pytest.mark.slow
@pytest.mark.parametrize("name", BREAKAGES)
def test_it_is_found(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    breakage = BREAKAGES[name]
    check = partial(check_talks, models=tokenizers()) if breakage.talks else check_table
    with monkeypatch.context() as patch:
        breakage.put(patch)
        recipe = first_broken(breakage, check)
    assert recipe is not None, f"nobody noticed that {name}"
    assert holds(check, recipe), "the file is refused or read wrongly without the fault too"
