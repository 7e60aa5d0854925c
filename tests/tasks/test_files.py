import gzip
import json

import pandas as pd
import pytest

from autopeft.errors import DataError
from autopeft.tasks.files import read_rows

ROWS = [("a fine, long text", "yes"), ('a "quoted" one', "no"), ("zwölf", "yes")]


def write(folder, ending):
    frame = pd.DataFrame(ROWS, columns=["text", "label"])
    path = folder / f"rows{ending}"
    if ending.startswith(".csv"):
        frame.to_csv(path, index=False)
    elif ending.startswith(".tsv"):
        text = "text\tlabel\n" + "".join(f"{text}\t{label}\n" for text, label in ROWS)
        path.write_bytes(gzip.compress(text.encode()) if ending.endswith("gz") else text.encode())
    elif ending.startswith(".jsonl"):
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_parquet(path)
    return path


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".jsonl", ".parquet", ".csv.gz", ".tsv.gz", ".jsonl.gz"])
def test_every_kind_of_file_gives_the_same_rows(tmp_path, ending):
    assert read_rows(write(tmp_path, ending), ["text", "label"]) == ROWS
    assert read_rows(write(tmp_path, ending), ["label"]) == [(label,) for _, label in ROWS]


def test_quotes_in_tsv_mean_nothing(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text('text\tlabel\n"unbalanced\tx\nplain\ty\n')
    assert read_rows(path, ["text", "label"]) == [('"unbalanced', "x"), ("plain", "y")]


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("\ufefftext,label\nx,y\n".encode())
    assert read_rows(path, ["text"]) == [("x",)]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("absent.csv", None, "was not found"),
        ("rows.xlsx", b"x", r"ends in '.xlsx'; expected one of: .csv"),
        ("rows.csv", b"", "is empty"),
        ("rows.csv", b"text,label\n", "holds no rows"),
        ("rows.csv", b"texts,label\nx,y\n", r"no column 'text'; found: texts, label. Did you mean 'texts'"),
        ("rows.csv", b"text,label\nx,y,z\n", "line 2: found 3 fields, expected 2"),
        ("rows.csv", b"text,label\n\xff\xfe,y\n", "not UTF-8"),
        ("rows.csv.gz", b"no gzip", "cannot be read"),
        ("rows.jsonl", b'{"text": "x"\n', "line 1: not JSON"),
        ("rows.jsonl", b"[1]\n", "found a list, expected an object"),
        ("rows.parquet", b"PAR0", "cannot be read as Parquet"),
    ],
)
def test_bad_files_are_refused_with_the_reason(tmp_path, name, content, message):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_rows(path, ["text", "label"])


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match="is a folder"):
        read_rows(tmp_path, ["text"])


def test_a_key_missing_in_a_json_row_reads_as_none(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in [{"text": "x", "label": 1}, {"text": "y"}]))
    assert read_rows(path, ["text", "label"]) == [("x", 1), ("y", None)]
