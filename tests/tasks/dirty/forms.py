"""Known rows as files: each form is written here by hand, so that no reader is checked by its own writer."""

from __future__ import annotations

import datetime
import gzip
import itertools
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.tasks.dirty.recipe import Recipe
from tests.tasks.dirty.sheet import ABSENT, FOREIGN, Row, Sheet

__all__ = ["FORMATS", "written"]

#: The formats, and what one file of each may be.
FORMATS = {
    "csv": ("csv",),
    "tsv": ("tsv",),
    "jsonl": ("jsonl",),
    "json": ("json",),
    "parquet": ("parquet",),
    "saved": ("saved",),
    "folder": ("csv", "jsonl", "parquet"),
    "glob": ("csv", "jsonl", "parquet"),
    "xlsx": ("xlsx",),
}

#: Marks at the beginning of files, where the codec does not write them.
_MARKS = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}

_LINE_END = re.compile("\r\n|\r|\n")


def written(sheets: dict[str, Sheet], recipe: Recipe, folder: Path) -> dict[str, str]:
    """Write sheets.

    Args:
        sheets: The rows by split.
        recipe: How they are written.
        folder: Where.

    Returns:
        The arguments of `TaskSpec.of` that name them.
    """
    if recipe.kind == "saved":
        return {"data": _saved(sheets, folder / "saved rows")}
    if recipe.format in ("folder", "glob"):
        return {"data": _shards(sheets["train"], recipe, folder / "shards")}
    names = {"train": "data", "validation": "validation", "test": "test"}
    return {
        names[split]: str(_file(sheet, sheet.rows, recipe, folder / f"{split} rows.{recipe.kind}"))
        for split, sheet in sheets.items()
    }


def _shards(sheet: Sheet, recipe: Recipe, folder: Path) -> str:
    folder.mkdir()
    bounds = [0, len(sheet.rows) // 3, len(sheet.rows) // 2, len(sheet.rows)]
    for number, (begin, end) in enumerate(itertools.pairwise(bounds)):
        _file(sheet, sheet.rows[begin:end], recipe, folder / f"part-{number}.{recipe.kind}")
    return str(folder if recipe.format == "folder" else folder / f"part-*.{recipe.kind}{recipe.packing}")


def _file(sheet: Sheet, rows: list[Row], recipe: Recipe, path: Path) -> Path:
    """Write a file, packed as the recipe says."""
    if recipe.kind == "parquet":
        pq.write_table(_arrow(sheet, rows), path)
    elif recipe.kind == "xlsx":
        _workbook(sheet, rows, path)
    else:
        path.write_bytes(_raw(sheet, rows, recipe))
    packed = _PACK[recipe.packing](path)
    # Of several, only the last lacks its end.
    if sheet.cut and rows[-1] is sheet.rows[-1] and (recipe.packing or recipe.kind in ("parquet", "xlsx")):
        raw = packed.read_bytes()
        packed.write_bytes(raw[: len(raw) * 2 // 3])
    return packed


def _raw(sheet: Sheet, rows: list[Row], recipe: Recipe) -> bytes:
    text = _json(sheet, rows, recipe) if recipe.kind in ("json", "jsonl") else _delimited(sheet, rows, recipe)
    raw = _MARKS.get(recipe.encoding, b"") + text.encode(recipe.encoding)
    return raw.replace(FOREIGN.encode(), b"\xe9") if sheet.foreign else raw


def _delimited(sheet: Sheet, rows: list[Row], recipe: Recipe) -> str:
    quote = _QUOTE[recipe.quoting]
    lines: list[tuple[str, Row | None]] = []
    if sheet.header:
        lines.append((recipe.delimiter.join(quote(name, recipe.delimiter) for name in sheet.titles), None))
    for row in rows:
        fields = [quote(_cell(value), recipe.delimiter) for value in row.cells]
        fields = fields if row.spoil is None else row.spoil(fields)
        if sheet.cut and not recipe.packing and row is sheet.rows[-1]:
            # In the midst of the first field.
            fields = [fields[0][:-1] or fields[0] or "x"]
        lines.append((recipe.delimiter.join([*fields, ""] if sheet.trailing else fields), row))
    return _joined(lines, sheet, recipe)


def _json(sheet: Sheet, rows: list[Row], recipe: Recipe) -> str:
    lines: list[tuple[str, Row | None]] = []
    for row in rows:
        values = [_dumped(value, sheet) for value in row.cells if value is not ABSENT]
        names = [name for name, value in zip(sheet.titles, row.cells, strict=True) if value is not ABSENT]
        if sheet.header:
            fields = [f"{_dumped(name, sheet)}: {value}" for name, value in zip(names, values, strict=True)]
            fields = fields if row.spoil is None else row.spoil(fields)
            line = "{" + ", ".join(fields) + "}"
        else:
            line = "[" + ", ".join(values) + "]"
        lines.append((line, row))
    if recipe.kind == "json":
        body = [(f"{line}{',' * (place < len(lines) - 1)}", row) for place, (line, row) in enumerate(lines)]
        lines = [("[", None), *body, ("]", None)]
    if sheet.cut and not recipe.packing and rows[-1] is sheet.rows[-1]:
        place = len(lines) - (2 if recipe.kind == "json" else 1)
        lines = [*lines[:place], (lines[place][0][:-3], lines[place][1])]
    return _joined(lines, sheet, recipe)


def _joined(lines: list[tuple[str, Row | None]], sheet: Sheet, recipe: Recipe) -> str:
    for edit in sheet.edits:
        lines = edit(lines)
    ends = itertools.cycle(sheet.line_ends or [recipe.line_end])
    text, number = "", 1
    for place, (line, row) in enumerate(lines):
        if row is not None:
            row.line, row.lines = number, 1 + len(_LINE_END.findall(line))
        piece = line + (next(ends) if sheet.ended or place < len(lines) - 1 else "")
        number += len(_LINE_END.findall(piece))
        text += piece
    return text


def _cell(value: Any) -> str:
    """Return a cell of delimited text: JSON's numbers, `true` and `false`, ISO dates, nothing for null."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return value.isoformat() if isinstance(value, datetime.date) else json.dumps(value)


def _dumped(value: Any, sheet: Sheet) -> str:
    if isinstance(value, datetime.date):
        value = value.isoformat()
    plain = json.dumps(value, ensure_ascii=False)
    # Half a character is written as JSON can have it.
    half = any("\ud800" <= letter <= "\udfff" for letter in plain)
    return json.dumps(value) if half or not sheet.holds(plain) else plain


def _minimal(field: str, delimiter: str) -> str:
    return _all(field, delimiter) if any(each in field for each in (delimiter, '"', "\n", "\r")) else field


def _all(field: str, delimiter: str) -> str:
    return '"' + field.replace('"', '""') + '"'


_QUOTE: dict[str, Callable[[str, str], str]] = {
    "minimal": _minimal,
    "all": _all,
    "none": lambda field, delimiter: field,
    "backslash": lambda field, delimiter: '"' + field.replace('"', '\\"') + '"',
}


def _arrow(sheet: Sheet, rows: list[Row]) -> pa.Table:
    types = [pa.array([row.cells[place] for row in sheet.rows]).type for place in range(len(sheet.columns))]
    arrays = [pa.array([row.cells[place] for row in rows], types[place]) for place in range(len(sheet.columns))]
    return pa.Table.from_arrays(arrays, names=sheet.titles)


def _saved(sheets: dict[str, Sheet], folder: Path) -> str:
    import datasets

    tables = {split: datasets.table.InMemoryTable(_arrow(sheet, sheet.rows)) for split, sheet in sheets.items()}
    parts = {split: datasets.Dataset(table) for split, table in tables.items()}
    whole = datasets.DatasetDict(parts) if len(parts) > 1 else parts["train"]
    whole.save_to_disk(folder)
    if any(sheet.cut for sheet in sheets.values()):
        file = next(folder.rglob("*.arrow"))
        raw = file.read_bytes()
        file.write_bytes(raw[: len(raw) * 2 // 3])
    return str(folder)


def _workbook(sheet: Sheet, rows: list[Row], path: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    page = book.active
    for cells in [*([sheet.titles] if sheet.header else []), *(row.cells for row in rows)]:
        page.append([None if cell == "" else cell for cell in cells])
    book.save(path)


def _gzipped(path: Path) -> Path:
    packed = path.with_name(f"{path.name}.gz")
    packed.write_bytes(gzip.compress(path.read_bytes(), compresslevel=1))
    path.unlink()
    return packed


def _zstandard(path: Path) -> Path:
    packed = path.with_name(f"{path.name}.zst")
    with pa.output_stream(str(packed), compression="zstd") as stream:
        stream.write(path.read_bytes())
    path.unlink()
    return packed


def _zipped(path: Path) -> Path:
    packed = path.with_name(f"{path.name}.zip")
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(path, path.name)
    path.unlink()
    return packed


_PACK: dict[str, Callable[[Path], Path]] = {"": lambda path: path, ".gz": _gzipped, ".zst": _zstandard, ".zip": _zipped}
