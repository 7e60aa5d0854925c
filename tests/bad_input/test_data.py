"""Data that cannot be used as it is, of every kind of task."""

import pytest

from tests.bad_input.case import Case, check_refused
from tests.bad_input.rows import CSV, csv, jsonl

FLAGS = "--budget 20% --trials 2 --workers 0 --examples 20 --epochs 1 --no-select -o run"
BERT = f"search --model {{place}}/tiny-bert {FLAGS} --data data"
LLAMA = f"search --model {{place}}/tiny-llama --space lora {FLAGS} --data data"

FILES = [
    Case(
        "an empty file",
        BERT + ".csv",
        ("is empty", "expected a first line with the names of the columns"),
        {"data.csv": ""},
    ),
    Case(
        "a header and no rows",
        BERT + ".csv",
        ("holds no rows", "expected some with the columns: text, label"),
        {"data.csv": "text,label\n"},
    ),
    Case(
        "a label column that is empty",
        BERT + ".csv",
        (
            "can be used: 'label' is empty in 40 (from line 2 on",
            "Fill the columns in, or name others with --text and --label",
        ),
        {"data.csv": csv(lambda n: f"good film {n},")},
    ),
    Case(
        "a text column that is empty",
        BERT + ".csv",
        (
            "can be used: 'text' is empty in 40 (from line 2 on",
            "Fill the columns in, or name others with --text and --label",
        ),
        {"data.csv": csv(lambda n: f",{'ab'[n % 2]}")},
    ),
    Case(
        "a label of its own in each row",
        BERT + ".csv",
        ("label column has 40 different values in 40 training rows", "Is it the right label column?"),
        {"data.csv": csv(lambda n: f"good film,id-{n}")},
    ),
    Case(
        "three rows",
        BERT + ".csv",
        ("label column has 2 different values in 3 training rows", "Is it the right label column?"),
        {"data.csv": csv(lambda n: f"good film {n},{'ab'[n % 2]}", count=3)},
    ),
    Case(
        "text and label of one column",
        BERT + ".csv --text text --label text",
        ("--text and --label both name the column 'text'", "give each one of its own"),
        {"data.csv": CSV},
    ),
    Case(
        "a second text that is not there",
        BERT + ".csv --text2 other",
        ("has no column 'other", "for a decoder, with --prompt and --completion or"),
        {"data.csv": CSV},
    ),
    Case(
        "a pattern that fits nothing",
        BERT.replace("data data", "data 'shards/*.jsonl'"),
        ("no file is called like 'shards/*.jsonl", "check the pattern (from"),
        {"data.csv": CSV},
    ),
    Case(
        "a folder with notes only",
        BERT,
        ("is a folder without data", "expected files ending in one of: .csv, .tsv, .jsonl,"),
        {"data/notes.md": "# what to do"},
    ),
    Case(
        "a JSON array that was cut",
        BERT + ".json",
        (
            "line 1: not JSON (Unterminated string starting at, at letter 35",
            "expected one object a line, or an array of objects",
        ),
        {"data.json": '[{"text": "good", "label": "a"}, {"te'},
    ),
    Case(
        "a line of JSON that was cut",
        BERT + ".jsonl",
        (
            "line 41: not JSON (Unterminated string starting at, at letter 10",
            "expected one object a line, or an array of objects",
        ),
        {"data.jsonl": jsonl(lambda n: {"text": f"{n}", "label": n % 2}) + '{"text": "goo'},
    ),
    Case(
        "JSON that is one object",
        BERT + ".json",
        ("1 training rows have the label 'a", "Is it the right label column?"),
        {"data.json": '{"text": "good", "label": "a"}'},
    ),
    Case(
        "Parquet that was cut",
        BERT + ".parquet",
        (
            "cannot be read as Parquet: Parquet magic bytes not found in footer",
            "Is it damaged, or something else than its name says? Write",
        ),
        {"data.parquet": b"PAR1" + bytes(40)},
    ),
    Case(
        "a workbook that is text",
        BERT + ".xlsx",
        (
            "cannot be read as an Excel workbook: File is not a zip file",
            "Is it damaged, or something else than its name says? Write",
        ),
        {"data.xlsx": CSV},
    ),
    Case(
        "gzip that is text",
        BERT + ".csv.gz",
        ("cannot be read: Not a gzipped file (b'te", "Is it damaged, or something else than its name says? Write"),
        {"data.csv.gz": CSV},
    ),
    Case(
        "a zip that is text",
        BERT + ".csv.zip",
        ("cannot be read: File is not a zip file", "Is it damaged, or something else than its name says? Write"),
        {"data.csv.zip": CSV},
    ),
    Case(
        "an image called CSV",
        BERT + ".csv",
        ("is no UTF-8, and in which encoding it is cannot be told", "save it as UTF-8"),
        {"data.csv": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4},
    ),
    Case(
        "a document of Word",
        BERT + ".docx",
        ("ends in '.docx", "expected one of: .csv, .tsv, .jsonl, .ndjson, .json,"),
        {"data.docx": CSV},
    ),
    Case(
        "a web address",
        BERT.replace("data data", "data https://example.org/data.csv"),
        ("https://example.org/data.csv' is an address", "expected a file or folder: download it, and name what you"),
        {},
    ),
    Case(
        "validation with other columns",
        BERT + ".csv --validation dev.csv",
        ("has no column 'text", "for a decoder, with --prompt and --completion or"),
        {"data.csv": CSV, "dev.csv": csv(lambda n: "x,y", "body,stars")},
    ),
    Case(
        "validation with a further label",
        BERT + ".csv --validation dev.csv",
        ("has labels that train lacks: 'c' (13 rows", "Mend the labels, or leave the validation file out to have"),
        {"data.csv": CSV, "dev.csv": csv(lambda n: f"good {n},{'abc'[n % 3]}")},
    ),
    Case(
        "a test file that is not there",
        BERT + ".csv --test tset.csv",
        ("data file 'tset.csv' was not found", "check the path (from"),
        {"data.csv": CSV},
    ),
    Case(
        "a group column that is not there",
        BERT + ".csv --group author",
        ("has no column 'author' to keep rows together by", "Name one by --group, or leave it out"),
        {"data.csv": CSV},
    ),
    Case(
        "all rows of one group",
        BERT + ".csv --group by",
        ("the column 'by' holds 1 group", "give them as files, or name another column"),
        {"data.csv": csv(lambda n: f"good film {n},{'ab'[n % 2]},me", "text,label,by")},
    ),
    Case(
        "a task and data",
        BERT + ".csv --task icd10",
        (
            "data is named by exactly one of --task, --data, the name of a dataset",
            "found --task and --data: leave one out",
        ),
        {"data.csv": CSV},
    ),
    Case(
        "lists and names as labels",
        BERT + ".jsonl",
        (
            "line 2: the label column 'label' holds a list (['a', 'b']), and in",
            "expected one label in each row, or a list in each for",
        ),
        {"data.jsonl": jsonl(lambda n: {"text": f"good {n}", "label": ["a", ["a", "b"]][n % 2]})},
    ),
    Case(
        "rows that are numbers",
        BERT + ".jsonl",
        ("line 1: found the number 0", "expected an object"),
        {"data.jsonl": jsonl(lambda n: n)},
    ),
]


@pytest.mark.parametrize("case", FILES, ids=lambda case: case.name)
def test_data_is_refused(case, tmp_path, place):
    check_refused(case, tmp_path, place)
