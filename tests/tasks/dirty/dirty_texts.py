"""Dirt where texts are expected."""

from __future__ import annotations

import datetime
import json
import math
from random import Random
from typing import Any

from tests.tasks.dirty.dirt import ALL, DELIMITED, JSON, PLAIN, dirt
from tests.tasks.dirty.sheet import Row, Sheet

__all__: list[str] = []

_MIXED = (*PLAIN, "xlsx")
_DAY = datetime.date(2020, 2, 28)


def _instead(sheet: Sheet, row: Row, value: Any, *texts: str | None) -> None:
    """Write something in place of a text; it may be read as any of the texts given, or left out where one is None."""
    label = next(fate[1] for fate in row.fates if fate is not None)
    sheet.put(row, sheet.text, value)
    row.fates = [None if text is None else (text, label) for text in texts]


@dirt("null as text", "texts")
def _(sheet: Sheet, rng: Random) -> None:
    for row in sheet.pick(rng):
        _instead(sheet, row, None, None)


@dirt("empty text", "texts")
def _(sheet: Sheet, rng: Random) -> None:
    for row in sheet.pick(rng):
        _instead(sheet, row, "", None)


@dirt("blank text", "texts")
def _(sheet: Sheet, rng: Random) -> None:
    for row in sheet.pick(rng):
        _instead(sheet, row, rng.choice(["  ", "\u00a0", " \u2003 "]) if sheet.wide else "   ", None)


@dirt("NaN as text", "texts", kinds=PLAIN)
def _(sheet: Sheet, rng: Random) -> None:
    # In delimited text it is a word as any other.
    for row in sheet.pick(rng):
        _instead(sheet, row, math.nan, "NaN" if sheet.kind in DELIMITED else None)


@dirt("a word for nothing", "texts")
def _(sheet: Sheet, rng: Random) -> None:
    for row in sheet.pick(rng):
        word = rng.choice(["null", "None", "n/a", "nan", "NA", "-"])
        _instead(sheet, row, word, word)


@dirt("list as text", "texts", kinds=JSON, verdict="either")
def _(sheet: Sheet, rng: Random) -> None:
    for row in sheet.pick(rng):
        _instead(sheet, row, ["one", "two"], None)


@dirt("object as text", "texts", kinds=JSON, verdict="either")
def _(sheet: Sheet, rng: Random) -> None:
    for row in sheet.pick(rng):
        _instead(sheet, row, {"value": "one"}, None)


@dirt("number as text", "texts", kinds=_MIXED)
def _(sheet: Sheet, rng: Random) -> None:
    for row in sheet.pick(rng):
        value = rng.choice([rng.randint(-9, 10**6), rng.randint(1, 999) + 0.25])
        _instead(sheet, row, value, json.dumps(value))


@dirt("boolean as text", "texts", kinds=_MIXED)
def _(sheet: Sheet, rng: Random) -> None:
    for row in sheet.pick(rng):
        value = rng.random() < 0.5
        _instead(sheet, row, value, json.dumps(value))


@dirt("date as text", "texts", kinds=_MIXED)
def _(sheet: Sheet, rng: Random) -> None:
    for row in sheet.pick(rng):
        day = _DAY + datetime.timedelta(days=rng.randint(0, 5000))
        # A workbook has no days without a time.
        _instead(sheet, row, day, day.isoformat(), *([f"{day}T00:00:00"] if sheet.kind == "xlsx" else []))


@dirt("dates for texts", "all texts", kinds=tuple(kind for kind in ALL if kind != "xlsx"))
def _(sheet: Sheet, rng: Random) -> None:
    days = [_DAY + datetime.timedelta(days=index + rng.randint(0, 5000)) for index in range(len(sheet.rows))]
    sheet.retext(days, [day.isoformat() for day in days])


@dirt("numbers for texts", "all texts")
def _(sheet: Sheet, rng: Random) -> None:
    shift = rng.randint(1, 10**6) * 1000
    numbers: list[Any] = [shift + index for index in range(len(sheet.rows))]
    if rng.random() < 0.5:
        numbers = [number + 0.5 for number in numbers]
    sheet.retext(numbers, [json.dumps(number) for number in numbers])


@dirt("half a character", "texts", kinds=JSON)
def _(sheet: Sheet, rng: Random) -> None:
    for row in sheet.pick(rng):
        half = rng.choice(["\ud83d", "\udc00"])
        said = f"{sheet.said_by(row)} {half}"
        _instead(sheet, row, f"{said} yes", f"{said.replace(half, chr(0xFFFD))} yes", None)
    sheet.remarked = True


@dirt("odd line separators", "texts")
def _(sheet: Sheet, rng: Random) -> None:
    for row in sheet.pick(rng):
        letters = "\u2028\u2029\x85" + ("\x0b\x0c\x1c\x1e" if sheet.kind != "xlsx" else "")
        letter = rng.choice(letters if sheet.wide else "\x0b\x0c\x1c\x1e")
        said = f"{sheet.said_by(row)}{letter}then more"
        _instead(sheet, row, said, said)


@dirt("null byte", "texts", kinds=tuple(kind for kind in ALL if kind != "xlsx"), verdict="either")
def _(sheet: Sheet, rng: Random) -> None:
    for row in sheet.pick(rng, 1):
        said = sheet.said_by(row)
        _instead(sheet, row, f"{said}\0 end", f"{said}\0 end", f"{said} end", f"{said}\ufffd end", None)


@dirt("equal rows", "texts")
def _(sheet: Sheet, rng: Random) -> None:
    first, *others = sheet.pick(rng, 3, least=2)
    for row in others:
        row.cells, row.fates = list(first.cells), list(first.fates)


@dirt("quotes within texts", "quotes")
def _(sheet: Sheet, rng: Random) -> None:
    for row in sheet.pick(rng):
        said = f'{sheet.said_by(row)} a 5" pipe{rng.choice(["", " and a 6" + chr(34) + " one", " " + chr(34) + "so"])}'
        _instead(sheet, row, said, said)


@dirt("a stray quote", "quotes", quoting=("none",), verdict={"csv": "either", "tsv": "either", "else": "read"})
def _(sheet: Sheet, rng: Random) -> None:
    for row in sheet.pick(rng, 1):
        _instead(sheet, row, f'"{sheet.said_by(row)}', f'"{sheet.said_by(row)}')


@dirt("two stray quotes", "quotes", quoting=("none",), verdict={"csv": "either", "tsv": "either", "else": "read"})
def _(sheet: Sheet, rng: Random) -> None:
    for _ in range(2):
        for row in sheet.pick(rng, 1):
            _instead(sheet, row, f'"{sheet.said_by(row)}', f'"{sheet.said_by(row)}')


@dirt(
    "a quote that closes with the text",
    "quotes",
    quoting=("none",),
    verdict={"csv": "either", "tsv": "either", "else": "read"},
)
def _(sheet: Sheet, rng: Random) -> None:
    # `"so it goes"` in a file whose quotes mean nothing cannot be told from a quoted text.
    for row in sheet.pick(rng, 1):
        said = sheet.said_by(row)
        bare = [said] if sheet.kind in DELIMITED else []
        _instead(sheet, row, f'"{said}"', f'"{said}"', *bare)


@dirt("a stray quote that another one closes", "quotes", kinds=DELIMITED, quoting=("none",), verdict="either")
def _(sheet: Sheet, rng: Random) -> None:
    # Read as marks of the format they take all rows between them into one text.
    clean = [row for row in sheet.rows if not row.touched]
    place = rng.randrange(len(clean) - 12)
    for row, before, after in ((clean[place], '"', ""), (clean[place + rng.randint(2, 11)], "", '"')):
        row.touched = True
        said = f"{before}{sheet.said_by(row)}{after}"
        _instead(sheet, row, said, said)


@dirt("a delimiter in every text", "quotes", kinds=DELIMITED, quoting=("none",), verdict="either", everywhere=True)
def _(sheet: Sheet, rng: Random) -> None:
    # Every row has a field more than the first line has names, as where an index has none.
    for row in [row for row in sheet.rows if not row.touched]:
        said = f"{sheet.said_by(row)}{sheet.delimiter} more"
        _instead(sheet, row, said, said)
