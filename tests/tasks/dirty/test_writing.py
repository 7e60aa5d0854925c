"""The generator itself: what it writes cleanly, other readers read back as it was meant."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.tasks.dirty.dirt import DIRT
from tests.tasks.dirty.drawing import applicable
from tests.tasks.dirty.forms import FORMATS, written
from tests.tasks.dirty.recipe import Recipe, made

_QUOTING: dict[str, dict[str, Any]] = {
    "minimal": {},
    "all": {},
    "backslash": {"escapechar": "\\", "doublequote": False},
    "none": {"quoting": 3},
}


def read_by_others(recipe: Recipe, path: str) -> list[tuple[str, str]]:
    """Return texts and labels as pandas and json read them."""
    encoding = "utf-16" if recipe.encoding.startswith("utf-16") else recipe.encoding
    if recipe.kind == "jsonl":
        # pandas and `splitlines` part lines at letters that JSON holds as they are.
        rows = [json.loads(line) for line in Path(path).read_bytes().decode(encoding).split("\n") if line]
        return [(row["text"], row["label"]) for row in rows]
    if recipe.kind == "json":
        return [(row["text"], row["label"]) for row in json.loads(Path(path).read_bytes().decode(encoding))]
    if recipe.kind == "parquet":
        frame = pd.read_parquet(path)
    else:
        how = {"sep": recipe.delimiter, "encoding": encoding, "keep_default_na": False, **_QUOTING[recipe.quoting]}
        frame = pd.read_csv(path, **how)
    return list(zip(frame["text"], frame["label"], strict=True))


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "json", "parquet"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("quoting", _QUOTING)
def test_clean_rows_are_read_back_by_others(tmp_path: Path, kind: str, encoding: str, quoting: str) -> None:
    delimiter = "\t" if kind == "tsv" else ";"
    recipe = Recipe(kind, kind, (), delimiter=delimiter, encoding=encoding, quoting=quoting, seed=5)
    sheets = made(recipe)
    path = written(sheets, recipe, tmp_path)["data"]
    assert read_by_others(recipe, path) == [row.fates[0] for row in sheets["train"].rows]


def test_the_same_recipe_gives_the_same_rows() -> None:
    recipe = Recipe("csv", "csv", ("null as text", "remarks"), seed=9)
    assert [row.fates for row in made(recipe)["train"].rows] == [row.fates for row in made(recipe)["train"].rows]


@pytest.mark.parametrize("name", DIRT)
def test_every_kind_of_dirt_changes_what_is_written(tmp_path: Path, name: str) -> None:
    dirt = DIRT[name]
    kind, quoting = dirt.kinds[0], dirt.quoting[0]
    contents = []
    for number, names in enumerate(((), (name,))):
        apart = dirt.apart is True
        recipe = Recipe(kind, kind, names, quoting=quoting, labels="words", apart=apart, delimiter=",", seed=3)
        folder = tmp_path / str(number)
        folder.mkdir()
        written(made(recipe), recipe, folder)
        contents.append([path.read_bytes() for path in sorted(folder.iterdir())])
    assert contents[0] != contents[1]


def test_every_kind_of_dirt_is_for_some_format() -> None:
    assert {name for format in FORMATS for name in applicable(format)} == set(DIRT)
