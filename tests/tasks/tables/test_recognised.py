"""Files under a wrong name are told by what they begin with."""

import bz2
import gzip
import io
import lzma
import zipfile

import pandas as pd
import pyarrow
import pytest

from autopeft.errors import DataError
from autopeft.tasks.tables import ENDINGS, read_source

FRAME = pd.DataFrame({"text": ["x", "y"], "label": ["a", "b"]})
CSV = FRAME.to_csv(index=False).encode()
LINES = FRAME.to_json(orient="records", lines=True).encode()
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
PAGE = b"\n<!DOCTYPE html>\n<html><body>Sign in, please</body></html>\n"


def zipped(*names):
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for name in names:
            archive.writestr(name, CSV)
    return whole.getvalue()


WRONG = [
    (".csv", FRAME.to_parquet(), r"is Parquet; give it a name ending in \.parquet"),
    (".jsonl", FRAME.to_parquet(), r"is Parquet; give it a name ending in \.parquet"),
    (".csv", gzip.compress(CSV), r"is packed by gzip; give it a name ending in \.csv\.gz"),
    (".jsonl", pyarrow.compress(LINES, codec="zstd", asbytes=True), r"by zstd; give it a name ending in \.jsonl\.zst"),
    (".parquet", gzip.compress(CSV), "is packed by gzip"),
    (".csv", bz2.compress(CSV), "is packed by bzip2; unpack it"),
    (".json", lzma.compress(CSV), "is packed by xz; unpack it"),
    (".tsv", zipped("a.tsv"), r"is a zip archive; give it a name ending in \.zip"),
    (".csv", zipped("xl/workbook.xml"), r"is an Excel workbook; give it a name ending in \.xlsx"),
    (".xlsx", zipped("content.xml"), "is a document of LibreOffice; save it as CSV"),
    (".csv", zipped("a.csv")[:-9], "is a damaged zip archive; copy it anew"),
    (".xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), r"until 2003; save it as \.xlsx"),
    (".csv", LINES, r"is one object of JSON a line; give it a name ending in \.jsonl"),
    (".parquet", LINES, r"is one object of JSON a line; give it a name ending in \.jsonl"),
    (
        ".csv",
        b"\xef\xbb\xbf[\n " + LINES.splitlines()[0] + b"]",
        r"is an array of JSON; give it a name ending in \.json",
    ),
    *((ending, PAGE, "is a web page; download the file itself") for ending in ENDINGS),
    *((ending, POINTER, "is a pointer of Git LFS, not the data itself") for ending in ENDINGS),
]


@pytest.mark.parametrize(("ending", "raw", "message"), WRONG, ids=range(len(WRONG)))
def test_a_file_under_a_wrong_name_is_told_by_what_it_is(tmp_path, ending, raw, message):
    (tmp_path / f"rows{ending}").write_bytes(raw)
    with pytest.raises(DataError, match=rf"rows\{ending}'.* {message}"):
        read_source(tmp_path / f"rows{ending}")


def test_the_kind_is_told_within_packed_files_too(tmp_path):
    (tmp_path / "rows.csv.gz").write_bytes(gzip.compress(PAGE))
    with pytest.raises(DataError, match="is a web page"):
        read_source(tmp_path / "rows.csv.gz")


@pytest.mark.parametrize("header", ["PAR1", "BZh9", "{text}", "[text]", "html", "ARROW1"])
def test_names_of_columns_that_begin_like_another_kind_are_names(tmp_path, header):
    (tmp_path / "rows.csv").write_text(f"{header},label\nx,a\ny,b\n")
    assert read_source(tmp_path / "rows.csv")["train"].columns == (header, "label")
