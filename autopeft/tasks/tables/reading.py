"""Read any source of rows: a file, a folder, a pattern of files."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from glob import has_magic
from pathlib import Path, PurePath

from autopeft.errors import DataError
from autopeft.tasks.tables.arrow import read_parquet, read_saved
from autopeft.tasks.tables.conll import read_conll
from autopeft.tasks.tables.decoding import decode
from autopeft.tasks.tables.delimited import read_delimited
from autopeft.tasks.tables.excel import read_excel
from autopeft.tasks.tables.json_rows import read_json
from autopeft.tasks.tables.packing import PACKED, unpack
from autopeft.tasks.tables.places import files_like, files_under, path_of
from autopeft.tasks.tables.recognised import check_kind
from autopeft.tasks.tables.shards import by_split, split_of, together
from autopeft.tasks.tables.table import Table

__all__ = ["ENDINGS", "is_source", "read_source"]

#: Files that `save_to_disk` leaves in a folder.
_SAVED = ("dataset_dict.json", "state.json")

#: So many files that are left out are named.
_NAMED = 5

_Reader = Callable[[str, bytes, Collection[str]], Table]


def _delimited(usual: str) -> _Reader:
    return lambda source, raw, named: _noted(
        *decode(raw, source), lambda text: read_delimited(source, text, usual, named)
    )


def _json(source: str, raw: bytes, named: Collection[str]) -> Table:
    return _noted(*decode(raw, source), lambda text: read_json(source, text))


def _conll(source: str, raw: bytes, named: Collection[str]) -> Table:
    return _noted(*decode(raw, source), lambda text: read_conll(source, text))


def _noted(text: str, notes: Sequence[str], read: Callable[[str], Table]) -> Table:
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
    ".conll": _conll,
    ".bio": _conll,
    ".iob": _conll,
}

#: File endings that can be read; each also packed.
ENDINGS = tuple(_READERS)


def is_source(name: str) -> bool:
    """Tell whether a name is one of a file, a folder or a pattern; else it may be one of a data set on the hub."""
    path = path_of(name)
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
    path = path_of(name)
    if path.is_dir():
        if any((path / file).is_file() for file in _SAVED):
            return by_split(str(name), _lying(path, read_saved(path, named)))
        return _folder(name, path, named)
    if path.exists():
        return _file(path, str(name), named)
    if has_magic(str(name)):
        files = files_like(name, path)
        above = os.path.commonpath([file.parent for file in files])
        within = [file.relative_to(above) for file in files]
        splits = _splits(str(name), within)
        tables = [_one_split(file, str(inner), named) for file, inner in zip(files, within, strict=True)]
        return _arranged(str(name), splits, tables)
    if str(name).startswith(("http:", "https:", "hf:", "s3:", "gs:")):
        raise DataError(f"'{name}' is an address; expected a file or folder: download it, and name what you have then")
    raise DataError(f"data file '{name}' was not found; check the path (from {Path.cwd()})")


def _file(file: Path, source: str, named: Collection[str]) -> dict[str, Table]:
    """Read one file, unpacked if need be; an archive of several is read as a folder of them."""
    if _ending(file) not in ENDINGS and file.suffix.lower() != ".zip":
        raise DataError(
            f"data file '{source}' ends in '{''.join(file.suffixes[-2:])}'; expected one of: {', '.join(ENDINGS)} "
            f"(also packed: {', '.join(PACKED)}), or a folder that save_to_disk wrote"
        )
    inside = unpack(file)
    data = [(PurePath(member), raw) for member, raw in inside if PurePath(member).suffix.lower() in _READERS]
    others = [member for member, _ in inside if PurePath(member).suffix.lower() not in _READERS]
    if not data:
        raise DataError(
            f"data file '{source}' holds {', '.join(map(repr, others[:5]))}; expected files ending in one of: "
            f"{', '.join(ENDINGS)}"
        )
    tables = []
    for member, raw in data:
        called, ending = source if len(data) == 1 else str(member), member.suffix.lower()
        check_kind(called, ending, raw)
        tables.append(_READERS[ending](called, raw, named))
    arranged = _arranged(source, _splits(source, [member for member, _ in data]), tables, _left_out(others))
    return _lying(file.parent, arranged)


def _lying(folder: Path, tables: Mapping[str, Table]) -> dict[str, Table]:
    """Return tables that know where paths in them begin."""
    return {split: replace(table, folders={"": folder}) for split, table in tables.items()}


def _one_split(file: Path, source: str, named: Collection[str]) -> Table:
    parts = _file(file, source, named)
    if len(parts) > 1:
        raise DataError(f"'{source}', one file of several, holds {' and '.join(parts)}; unpack it")
    return next(iter(parts.values()))


def _folder(name: str | Path, path: Path, named: Collection[str]) -> dict[str, Table]:
    """Read the files of a folder, and of folders in it: by split where their names say so, else as shards."""
    files = files_under(name, path)
    data = [file for file in files if _ending(file) in ENDINGS]
    others = [str(file.relative_to(path)) for file in files if file not in data]
    if not data:
        found = f"; it holds {', '.join(others[:5])}" if others else ""
        raise DataError(
            f"'{name}' is a folder without data{found}; expected files ending in one of: {', '.join(ENDINGS)} (also "
            "packed), or what save_to_disk writes"
        )
    within = [file.relative_to(path) for file in data]
    splits = _splits(str(name), within)
    if any(split_of(file) for file in within) and "train" not in splits:
        raise DataError(f"'{name}' has files of {' and '.join(set(splits))} alone; expected some called after train")
    tables = [_one_split(file, str(inner), named) for file, inner in zip(data, within, strict=True)]
    return _arranged(str(name), splits, tables, _left_out(others))


def _splits(name: str, files: Sequence[PurePath]) -> list[str]:
    """Return the split of each file: what it is called after, where that tells them apart."""
    found = [split_of(file) for file in files]
    unclear = [str(file) for file, split in zip(files, found, strict=True) if split is None]
    if unclear and len(unclear) < len(files):
        raise DataError(
            f"'{name}' has files called after a split, and others: {', '.join(unclear[:5])}; name the files "
            "themselves, with --data, --validation and --test"
        )
    return [split or "train" for split in found]


def _arranged(name: str, splits: Sequence[str], tables: Sequence[Table], notes: Sequence[str] = ()) -> dict[str, Table]:
    """Put the tables of each split together; those of one split alone are the rows to train on, or what was asked."""
    grouped: dict[str, list[Table]] = {}
    for split, table in zip(splits, tables, strict=True):
        grouped.setdefault(split, []).append(table)
    if len(grouped) == 1:
        return {"train": together(name, tables, notes)}
    if "train" not in grouped:
        raise DataError(f"'{name}' has files of {' and '.join(grouped)} alone; expected some called after train")
    return {
        split: together(f"{name} ({split})", those, notes if split == "train" else ())
        for split, those in grouped.items()
    }


def _left_out(others: Sequence[str]) -> tuple[str, ...]:
    rest = len(others) - _NAMED
    more = f" and {rest:,} more" if rest > 0 else ""
    return (f"left out, for they are no data: {', '.join(others[:_NAMED])}{more}",) if others else ()


def _ending(file: Path) -> str:
    suffixes = [suffix.lower() for suffix in file.suffixes]
    return suffixes[-2] if suffixes[-1:] and suffixes[-1] in PACKED and len(suffixes) > 1 else "".join(suffixes[-1:])
