"""What the first bytes of a file tell of its kind, where its name says another."""

from __future__ import annotations

import io
import json
import zipfile

from autopeft.errors import DataError
from autopeft.tasks.tables.packing import PACKED

__all__ = ["check_kind"]

_POINTER = b"version https://git-lfs.github.com/spec/"

#: First bytes of a kind of file, the kind, and the ending by which it is read, or what to do.
_KINDS: tuple[tuple[bytes, str, str], ...] = (
    (b"\x1f\x8b", "packed by gzip", ".gz"),
    (b"\x28\xb5\x2f\xfd", "packed by zstd", ".zst"),
    (b"\xfd7zXZ\0", "packed by xz", "unpack it"),
    (b"7z\xbc\xaf\x27\x1c", "packed by 7-Zip", "unpack it"),
    (b"Rar!\x1a\x07", "packed by RAR", "unpack it"),
    (b"ARROW1\0", "an Arrow file", "save it as Parquet"),
    (b"Obj\x01", "Avro", "save it as Parquet"),
    (b"SQLite format 3\0", "a database of SQLite", "save the table as CSV"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a workbook as Excel wrote it until 2003", "save it as .xlsx"),
    (b"%PDF-", "a PDF", "save its table as CSV"),
)

_TEXTS = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".conll", ".bio", ".iob")


def check_kind(source: str, ending: str, raw: bytes) -> None:
    """Refuse a file whose first bytes are of another kind than its name says.

    Args:
        source: Where the bytes come from, for messages.
        ending: The ending by which they would be read.
        raw: All of them, unpacked.

    Raises:
        DataError: Saying what it is, and how to have it read.
    """
    if raw.startswith(_POINTER):
        raise DataError(
            f"data file '{source}' is a pointer of Git LFS, not the data itself; fetch that by `git lfs pull`, or "
            "download the file by its own address"
        )
    found = _binary(raw)
    if found is None and ending in (".parquet", ".xlsx"):
        found = _text(raw, "")
    elif found is None and ending in _TEXTS:
        found = _text(raw, ending)
    if found is None or found[1] == ending:
        return
    kind, mend = found
    if mend in PACKED and mend != ".zip":
        mend = f"give it a name ending in {ending}{mend}, or in what else is inside"
    elif mend.startswith("."):
        mend = f"give it a name ending in {mend}"
    raise DataError(f"data file '{source}' ends in {ending}, but is {kind}; {mend}")


def _binary(raw: bytes) -> tuple[str, str] | None:
    # Letters that a text may begin with as well, so more is asked for.
    if raw.startswith(b"PAR1") and raw.endswith(b"PAR1"):
        return "Parquet", ".parquet"
    if raw.startswith(b"BZh") and raw[4:10] == b"1AY&SY":
        return "packed by bzip2", "unpack it"
    for begin, kind, mend in _KINDS:
        if raw.startswith(begin):
            return kind, mend
    return _zipped(raw) if raw.startswith(b"PK\x03\x04") else None


def _zipped(raw: bytes) -> tuple[str, str]:
    """Tell the archives that are documents from others."""
    try:
        names = zipfile.ZipFile(io.BytesIO(raw)).namelist()
    except zipfile.BadZipFile:
        return "a damaged zip archive", "copy it anew"
    if any(name.startswith("xl/") for name in names):
        return "an Excel workbook", ".xlsx"
    if "content.xml" in names:
        return "a document of LibreOffice", "save it as CSV"
    return "a zip archive", ".zip"


def _text(raw: bytes, ending: str) -> tuple[str, str] | None:
    """Recognise web pages, and rows of JSON that are called tables."""
    head = raw[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()
    if head[:15].lower().startswith((b"<!doctype html", b"<html")):
        return "a web page", "download the file itself, by its own address"
    if ending in (".jsonl", ".ndjson", ".json"):
        return None
    if head.startswith(b"{") and _is_object(raw.removeprefix(b"\xef\xbb\xbf").lstrip().split(b"\n", 1)[0]):
        return "one object of JSON a line", ".jsonl"
    if head.startswith(b"[") and head[1:].lstrip().startswith(b"{"):
        return "an array of JSON", ".json"
    return None


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False
