"""Dirt in lines and rows as a whole, and in the bytes of a file."""

from __future__ import annotations

from functools import partial
from random import Random

from tests.tasks.dirty.dirt import ALL, DELIMITED, JSON, PLAIN, dirt
from tests.tasks.dirty.sheet import ABSENT, FOREIGN, Line, Sheet

__all__: list[str] = []


@dirt("too many fields", "rows", kinds=PLAIN, verdict={"csv": "either", "tsv": "either", "else": "read"})
def _(sheet: Sheet, rng: Random) -> None:
    for row in sheet.pick(rng):
        if sheet.kind in JSON:
            row.spoil = lambda fields: [*fields, '"more": 1']
        else:
            row.spoil = lambda fields: [*fields, "more"]
            row.fates = [*row.fates, None]
    if sheet.kind in JSON:
        sheet.unused.append("more")


@dirt("too few fields", "rows", kinds=PLAIN, verdict={"csv": "either", "tsv": "either", "else": "read"})
def _(sheet: Sheet, rng: Random) -> None:
    for row in sheet.pick(rng):
        if sheet.kind in JSON:
            sheet.put(row, sheet.label, ABSENT)
        else:
            row.spoil = lambda fields: fields[:-1]
        row.fates = [None]


@dirt("blank lines", "rows", kinds=PLAIN)
def _(sheet: Sheet, rng: Random) -> None:
    places = sorted(rng.sample(range(1, len(sheet.rows)), 3), reverse=True)

    def edit(lines: list[Line]) -> list[Line]:
        for place in places:
            lines.insert(place, ("", None))
        return [*lines, ("", None), ("", None)]

    sheet.edits.append(edit)


@dirt("rows of nothing", "rows", kinds=tuple(kind for kind in ALL if kind != "xlsx"))
def _(sheet: Sheet, rng: Random) -> None:
    for row in sheet.pick(rng):
        row.cells = [ABSENT if sheet.kind in JSON else None for _ in sheet.columns]
        row.fates = [None]


@dirt("a delimiter at each line's end", "rows", kinds=DELIMITED, verdict="either", everywhere=True)
def _(sheet: Sheet, rng: Random) -> None:
    sheet.trailing = True
    if rng.random() < 0.5:
        # At that of the first line too.
        sheet.add("", [None] * len(sheet.rows), len(sheet.columns))
        sheet.trailing = False


@dirt("Excel's line that names the delimiter", "rows", kinds=DELIMITED, verdict="either", everywhere=True)
def _(sheet: Sheet, rng: Random) -> None:
    sheet.edits.append(lambda lines: [(f"sep={sheet.delimiter}", None), *lines])


@dirt("no line end at the end", "rows", kinds=PLAIN)
def _(sheet: Sheet, rng: Random) -> None:
    sheet.ended = False


@dirt("line ends of two kinds", "rows", kinds=PLAIN)
def _(sheet: Sheet, rng: Random) -> None:
    sheet.line_ends = ["\n", "\r\n"]


@dirt("a quote that is not closed", "quotes", kinds=PLAIN, quoting=("all",), verdict="either")
def _(sheet: Sheet, rng: Random) -> None:
    for row in sheet.pick(rng, 1):
        row.spoil = partial(_unclosed, sheet)
        row.fates = [None]


@dirt("a file cut short", "bytes", verdict="either", apart=False)
def _(sheet: Sheet, rng: Random) -> None:
    sheet.cut = True
    sheet.ended = False
    last = sheet.rows[-1]
    last.touched = True
    if sheet.kind in PLAIN:
        last.fates = [None]


@dirt("a line in another encoding", "bytes", kinds=PLAIN, encodings=("utf-8", "utf-8-sig"), verdict="either")
def _(sheet: Sheet, rng: Random) -> None:
    sheet.foreign = True
    for row in sheet.pick(rng, 1):
        said = f"{sheet.said_by(row)} caf{FOREIGN} so"
        label = row.fates[0][1] if row.fates[0] else ""
        sheet.put(row, sheet.text, said)
        row.fates = [(said.replace(FOREIGN, letter), label) for letter in ("\u00e9", "\ufffd")] + [None]


def _unclosed(sheet: Sheet, fields: list[str]) -> list[str]:
    place = sheet.columns.index(sheet.text)
    return [field[:-1] if index == place else field for index, field in enumerate(fields)]
