"""Dirt in the column of labels."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.tasks.dirty.dirt import JSON, dirt
from tests.tasks.dirty.sheet import Sheet

__all__: list[str] = []

#: Names that a reader could take for something else.
_NAMES = ["billing, other", "<b>bold</b>", "n/a", "null", "True", "C++ | C#; more", "50%", "it's", "é", "None"]


def _among(sheet: Sheet, rng: Random, written: list[tuple[Any, str]]) -> None:
    """Give rows labels of a list, each with its name; each as often as the others."""
    chosen = [written[index % len(written)] for index in range(len(sheet.rows))]
    rng.shuffle(chosen)
    sheet.relabel([value for value, _ in chosen], [name for _, name in chosen])


@dirt("null as label", "labels")
def _(sheet: Sheet, rng: Random) -> None:
    for row in sheet.pick(rng):
        sheet.put(row, sheet.label, None)
        row.fates = [None]


@dirt("blank label", "labels", labels=("words", "numbers as texts"))
def _(sheet: Sheet, rng: Random) -> None:
    for row in sheet.pick(rng):
        sheet.put(row, sheet.label, rng.choice(["", "  "]))
        row.fates = [None]


@dirt("0, 0.0 and 1", "all labels", everywhere=True)
def _(sheet: Sheet, rng: Random) -> None:
    if sheet.kind in (*JSON, "xlsx"):
        _among(sheet, rng, [(0, "0"), (0.0, "0"), ("0", "0"), (1, "1"), (1.0, "1"), ("1.0", "1")])
    else:
        _among(sheet, rng, [("0", "0"), ("0.0", "0"), ("1", "1"), ("1.0", "1")])


@dirt("01 beside 1", "all labels", everywhere=True)
def _(sheet: Sheet, rng: Random) -> None:
    _among(sheet, rng, [("01", "01"), (1 if sheet.kind in JSON else "1", "1"), ("02", "02")])
    sheet.literal = True


@dirt("1.10 beside 1.1 among words", "all labels", everywhere=True)
def _(sheet: Sheet, rng: Random) -> None:
    _among(sheet, rng, [("1.10", "1.10"), ("1.1", "1.1"), ("beta", "beta")])
    sheet.literal = True


@dirt("decimal commas", "all labels", quoting=("minimal", "all", "backslash"), verdict="either", everywhere=True)
def _(sheet: Sheet, rng: Random) -> None:
    _among(sheet, rng, [("0,0", "0"), ("1,0", "1"), ("2,0", "2")])


@dirt("decimals as labels", "all labels", verdict="refused", everywhere=True)
def _(sheet: Sheet, rng: Random) -> None:
    values = [rng.randint(0, 24) / 5 for _ in sheet.rows]
    sheet.relabel(values if rng.random() < 0.5 else [str(value) for value in values], list(map(str, values)))
    sheet.about.append(sheet.label)


@dirt("numbers that hardly repeat as labels", "all labels", verdict="refused", everywhere=True)
def _(sheet: Sheet, rng: Random) -> None:
    values = [rng.randint(0, 10**5) for _ in sheet.rows]
    sheet.relabel(values, list(map(str, values)))
    sheet.about.append(sheet.label)


@dirt("lists as labels", "all labels", kinds=(*JSON, "parquet", "saved"), verdict="refused", everywhere=True)
def _(sheet: Sheet, rng: Random) -> None:
    values = [rng.sample(["billing", "login", "other"], rng.randint(1, 2)) for _ in sheet.rows]
    sheet.relabel(values, list(map(str, values)))
    sheet.about.append(sheet.label)


@dirt("a list among labels", "labels", kinds=JSON, verdict="either")
def _(sheet: Sheet, rng: Random) -> None:
    for row in sheet.pick(rng):
        sheet.put(row, sheet.label, ["good", "bad"])
        row.fates = [None]


@dirt("a rare class", "labels", verdict="either", labels=("words",), apart=False)
def _(sheet: Sheet, rng: Random) -> None:
    for row in sheet.pick(rng, 2):
        sheet.put(row, sheet.label, "fraud")
        row.fates = [None if fate is None else (fate[0], "fraud") for fate in row.fates]
    sheet.about.append("fraud")
    sheet.said.append("fraud")


@dirt("a class of validation only", "labels", verdict="either", labels=("words",), apart=True, split="validation")
def _(sheet: Sheet, rng: Random) -> None:
    for row in sheet.pick(rng):
        sheet.put(row, sheet.label, "strange")
        row.fates = [(row.fates[0][0], "strange"), None] if row.fates[0] else [None]
    sheet.about.append("strange")
    sheet.said.append("strange")


@dirt("names with punctuation", "all labels", everywhere=True)
def _(sheet: Sheet, rng: Random) -> None:
    usable = [name for name in _NAMES if sheet.holds(name)]
    # The same ones in every split.
    _among(sheet, rng, [(name, name) for name in Random(sheet.seed).sample(usable, 4)])
    sheet.literal = True
