"""Dirt in the names of columns, and columns that nobody asked for."""

from __future__ import annotations

from random import Random

from tests.tasks.dirty.dirt import DELIMITED, JSON, PLAIN, dirt
from tests.tasks.dirty.sheet import Sheet

__all__: list[str] = []

_REPEATABLE = (*PLAIN, "parquet", "xlsx")


@dirt("unnamed index", "columns")
def _(sheet: Sheet, rng: Random) -> None:
    named = {"parquet": "__index_level_0__", "saved": "__index_level_0__"}.get(sheet.kind, "")
    sheet.add(named, list(range(len(sheet.rows))), 0)
    # Whatever a reader calls a column without a name.
    sheet.unused.append(named)


@dirt("remarks", "columns", everywhere=True)
def _(sheet: Sheet, rng: Random) -> None:
    remarks = [rng.choice(["", "seen twice", None, "who wrote this?"]) for _ in sheet.rows]
    sheet.add("remark", remarks, rng.randint(0, 2))
    sheet.unused.append("remark")


@dirt("a second column of texts", "columns", everywhere=True)
def _(sheet: Sheet, rng: Random) -> None:
    name = rng.choice(["text_b", "comment", "text.1"])
    sheet.add(name, [f"other {index} words of it" for index in range(len(sheet.rows))], rng.randint(0, 2))
    sheet.unused.append(name)


@dirt("two columns of texts of one name", "columns", kinds=_REPEATABLE, verdict="refused", apart=False)
def _(sheet: Sheet, rng: Random) -> None:
    sheet.add(sheet.text, [f"remark {index}" for index in range(len(sheet.rows))], rng.choice([0, 2]))
    sheet.about.append(sheet.text)


@dirt("two columns of labels of one name", "columns", kinds=_REPEATABLE, verdict="refused", apart=False)
def _(sheet: Sheet, rng: Random) -> None:
    sheet.add(sheet.label, [rng.choice(["old", "new"]) for _ in sheet.rows], rng.choice([0, 2]))
    sheet.about.append(sheet.label)


@dirt("two further columns of one name", "columns", kinds=_REPEATABLE, verdict="either", everywhere=True)
def _(sheet: Sheet, rng: Random) -> None:
    for place in (0, 3):
        sheet.add("note", [f"note {place}" for _ in sheet.rows], place)
    sheet.about.append("note")
    sheet.unused.append("note")


@dirt("no names", "columns", verdict="refused", everywhere=True)
def _(sheet: Sheet, rng: Random) -> None:
    sheet.header = False
    if sheet.kind in ("parquet", "saved"):
        sheet.rename = lambda place, name: str(place)
    if sheet.kind not in JSON:
        sheet.about.append(sheet.text)


@dirt("blanks around names", "columns", verdict="either", everywhere=True)
def _(sheet: Sheet, rng: Random) -> None:
    sheet.rename = lambda place, name: f" {name} "
    sheet.about.append(sheet.text)


@dirt("an empty column without a name", "columns", kinds=(*DELIMITED, "xlsx"), everywhere=True)
def _(sheet: Sheet, rng: Random) -> None:
    sheet.add("", [None] * len(sheet.rows), len(sheet.columns))
