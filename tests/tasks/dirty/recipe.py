"""How a file of known rows is written: plain values, from which `made` makes the same rows again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from tests.tasks.dirty.dirt import DIRT
from tests.tasks.dirty.sheet import Row, Sheet
from tests.tasks.dirty.words import label_values, text_of

__all__ = ["NAMES", "Recipe", "made"]

#: Names of the columns of texts and of labels.
NAMES = (("text", "label"), ("Review Text", "Score"), ("Texte, nettoyé", "étiquette"), ("body", 'the "class"'))


@dataclass(frozen=True)
class Recipe:
    """How known rows are written.

    Args:
        format: A name of `forms.FORMATS`.
        kind: What one file of it is: `csv`, `tsv`, `jsonl`, `json`, `parquet`, `saved` or `xlsx`.
        dirt: Names of `DIRT`.
        packing: `.gz`, `.zst`, `.zip` or nothing.
        delimiter: What separates fields.
        quoting: `minimal`, `all`, `none`, or `backslash`: all, quotes within marked by backslashes.
        line_end: What ends lines.
        encoding: A codec of Python's; UTF-16 with a byte-order mark.
        labels: A name of `words.LABELS`.
        names: Place in `NAMES`.
        apart: Whether validation and test are in files of their own.
        label_first: Whether the labels stand before the texts.
        seed: Seed of the words, and of what is done to which rows.
    """

    format: str
    kind: str
    dirt: tuple[str, ...]
    packing: str = ""
    delimiter: str = ","
    quoting: str = "minimal"
    line_end: str = "\n"
    encoding: str = "utf-8"
    labels: str = "words"
    names: int = 0
    apart: bool = False
    label_first: bool = False
    seed: int = 0


def made(recipe: Recipe) -> dict[str, Sheet]:
    """Make the rows of a recipe, by split."""
    rng = Random(recipe.seed)
    sizes = {"train": 44, "validation": 20, "test": 20} if recipe.apart else {"train": 64}
    sheets = {split: _clean(recipe, rng, size) for split, size in sizes.items()}
    # Columns last: others find theirs by name.
    for dirt in sorted(map(DIRT.__getitem__, recipe.dirt), key=lambda dirt: dirt.group == "columns"):
        for split in sheets if dirt.everywhere else [rng.choice(list(sheets)) if dirt.split is None else dirt.split]:
            dirt.put(sheets[split], rng)
            sheets[split].verdicts.add(dirt.verdict_for(recipe.kind))
    return sheets


def _clean(recipe: Recipe, rng: Random, size: int) -> Sheet:
    text, label = NAMES[recipe.names]
    values, names = label_values(recipe.labels, rng, size)
    rows = []
    for number, (value, name) in enumerate(zip(values, names, strict=True)):
        said = text_of(rng, number, recipe)
        rows.append(Row([said, value], [(said, name)]))
    how = (recipe.kind, recipe.delimiter, recipe.quoting, recipe.encoding, recipe.seed)
    sheet = Sheet([text, label], text, label, rows, *how)
    return _turned(sheet) if recipe.label_first else sheet


def _turned(sheet: Sheet) -> Sheet:
    for row in sheet.rows:
        row.cells.reverse()
    return replace(sheet, columns=sheet.columns[::-1])
