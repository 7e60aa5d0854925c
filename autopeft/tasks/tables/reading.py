"""Read any source of rows: a file, a folder, a pattern of files."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from glob import glob, has_magic
from pathlib import Path

from autopeft.errors import DataError
from autopeft.tasks.tables.arrow import read_parquet, read_saved
from autopeft.tasks.tables.decoding import decode
from autopeft.tasks.tables.delimited import read_delimited
from autopeft.tasks.tables.excel import read_excel
from autopeft.tasks.tables.json_rows import read_json
from autopeft.tasks.tables.packing import PACKED, unpack
from autopeft.tasks.tables.table import Table

__all__ = ["ENDINGS", "SPLIT_NAMES", "by_split", "is_source", "read_source"]

#: Files that `save_to_disk` leaves in a folder.
_SAVED = ("dataset_dict.json", "state.json")

#: What publishers call the splits, ours first.
SPLIT_NAMES: Mapping[str, tuple[str, ...]] = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "dev", "val"),
    "test": ("test",),
}

_Reader = Callable[[str, bytes, Collection[str]], Table]


def _delimited(usual: str) -> _Reader:
    return lambda source, raw, named: _noted(
        *decode(raw, source), lambda text: read_delimited(source, text, usual, named)
    )


def _json(source: str, raw: bytes, named: Collection[str]) -> Table:
    return _noted(*decode(raw, source), lambda text: read_json(source, text))


def _noted(text: str, notes: Sequence[str], read: Callable[[str], Table]) -> Table:
    from dataclasses import replace

    table = read(text)
    return replace(table, notes=(*notes, *table.notes))


_READERS: Mapping[str, _Reader] = {
    ".csv": _delimited(","),
    ".tsv": _delimited("\t"),
    ".jsonl": _json,
    ".ndjson": _json,
    ".json": _json,
    ".parquet": read_parquet,
    ".xlsx": lambda source, raw, named: read_excel(source, raw),
}

#: File endings that can be read; each also packed.
ENDINGS = tuple(_READERS)


def is_source(name: str) -> bool:
    """Tell whether a name is one of a file, a folder or a pattern; else it may be one of a data set on the hub."""
    path = Path(name).expanduser()
    return path.exists() or has_magic(name) or _ending(path) in ENDINGS


def read_source(name: str | Path, named: Collection[str] = ()) -> dict[str, Table]:
    """Read a source of rows.

    Args:
        name: A file; a folder that `save_to_disk` wrote, or of files that are shards, or called after splits; or a
            pattern such as `data/*.jsonl`.
        named: Columns that the user names.

    Returns:
        Its splits: `train` alone unless the files, or what was saved, are called after several.

    Raises:
        DataError: When it is missing or unreadable.
    """
    path = Path(name).expanduser()
    if path.is_dir():
        if any((path / file).is_file() for file in _SAVED):
            return by_split(str(name), read_saved(path, named))
        return _folder(name, path, named)
    if path.exists():
        return {"train": _file(path, str(name), named)}
    if has_magic(str(name)):
        files = sorted((Path(found) for found in glob(str(path), recursive=True)), key=_natural)
        files = [file for file in files if file.is_file()]
        if not files:
            raise DataError(f"no file is called like '{name}'; check the pattern (from {Path.cwd()})")
        return {"train": _together(str(name), [_file(file, file.name, named) for file in files])}
    raise DataError(f"data file '{name}' was not found; check the path (from {Path.cwd()})")


def _file(file: Path, source: str, named: Collection[str]) -> Table:
    """Read one file, unpacked if need be; an archive of several is read as shards."""
    if _ending(file) not in ENDINGS and file.suffix.lower() != ".zip":
        raise DataError(
            f"data file '{source}' ends in '{''.join(file.suffixes[-2:])}'; expected one of: {', '.join(ENDINGS)} "
            f"(also packed: {', '.join(PACKED)}), or a folder that save_to_disk wrote"
        )
    inside = unpack(file)
    tables = []
    for member, raw in inside:
        reader = _READERS.get(Path(member).suffix.lower())
        if reader is None:
            raise DataError(
                f"data file '{source}' holds '{member}', which ends in none of: {', '.join(ENDINGS)}; take it out"
            )
        tables.append(reader(source if len(inside) == 1 else member, raw, named))
    return _together(source, tables)


def _folder(name: str | Path, path: Path, named: Collection[str]) -> dict[str, Table]:
    """Read the files of a folder, and of folders in it: by split where their names say so, else as shards."""
    files = sorted((file for file in path.rglob("*") if file.is_file()), key=_natural)
    files = [file for file in files if not any(part.startswith(".") for part in file.relative_to(path).parts)]
    data = [file for file in files if _ending(file) in ENDINGS]
    others = tuple(str(file.relative_to(path)) for file in files if file not in data)
    if not data:
        found = f"; it holds {', '.join(others[:5])}" if others else ""
        raise DataError(
            f"'{name}' is a folder without data{found}; expected files ending in one of: {', '.join(ENDINGS)} (also "
            "packed), or what save_to_disk writes"
        )
    splits = {file: _split_of(file.relative_to(path)) for file in data}
    unclear = [str(file.relative_to(path)) for file, split in splits.items() if split is None]
    if unclear and len(unclear) < len(data):
        raise DataError(
            f"'{name}' has files called after a split, and others: {', '.join(unclear[:5])}; name the files "
            "themselves, with --data, --validation and --test"
        )
    grouped: dict[str, list[Table]] = {}
    for file, split in splits.items():
        grouped.setdefault(split or "train", []).append(_file(file, str(file.relative_to(path)), named))
    if "train" not in grouped:
        raise DataError(f"'{name}' has files of {' and '.join(grouped)} alone; expected some called after train")
    beside = (f"left out, for they are no data: {', '.join(others)}",) if others else ()
    one = len(grouped) == 1
    return {
        split: _together(str(name) if one else f"{name} ({split})", tables, beside if split == "train" else ())
        for split, tables in grouped.items()
    }


def _together(source: str, tables: Sequence[Table], notes: Sequence[str] = ()) -> Table:
    """Put shards together, one after the other; each row is then known by its file too."""
    if len(tables) == 1 and tables[0].source == source:
        return tables[0]
    columns = dict.fromkeys(column for table in tables for column in table.columns)
    partial = [column for column in columns if any(column not in table.columns for table in tables)]
    said = dict.fromkeys(f"{table.source}: {note}" for table in tables for note in table.notes)
    if len(tables) > 1:
        said = {f"{len(tables)} files, {tables[0].source} to {tables[-1].source}": None, **said}
    if partial:
        said[f"not all files have the columns {', '.join(partial)}"] = None
    return Table(
        source,
        tuple(columns),
        [(f"{table.source}, {place}", row) for table in tables for place, row in table.rows],
        (*said, *notes),
        {name: labels for table in tables for name, labels in table.classes.items()},
        frozenset().union(*(table.repeated for table in tables)),
    )


def by_split(name: str, parts: Mapping[str, Table]) -> dict[str, Table]:
    """Return parts by our names of splits.

    Raises:
        DataError: When none of them is one to train on.
    """
    found = {
        split: parts[alias]
        for split, aliases in SPLIT_NAMES.items()
        if (alias := next((each for each in aliases if each in parts), None)) is not None
    }
    if "train" not in found:
        raise DataError(f"data set '{name}' has no split 'train'; found: {', '.join(parts)}")
    return found


def _split_of(file: Path) -> str | None:
    """Return the split that a file, or a folder above it, is called after."""
    words = {word for part in file.parts for word in re.split(r"[^a-z]+", part.lower())}
    found = [split for split, aliases in SPLIT_NAMES.items() if words & set(aliases)]
    return found[0] if len(found) == 1 else None


def _ending(file: Path) -> str:
    suffixes = [suffix.lower() for suffix in file.suffixes]
    return suffixes[-2] if suffixes[-1:] and suffixes[-1] in PACKED and len(suffixes) > 1 else "".join(suffixes[-1:])


def _natural(path: Path) -> list[tuple[int, int | str]]:
    """Sort `part-10` behind `part-9`."""
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in re.split(r"(\d+)", str(path))]
