"""Parquet columns that Python cannot hold are no reason to fail, unless they are the ones that are read."""

import pyarrow
import pyarrow.parquet
import pytest

from autopeft.errors import DataError
from autopeft.tasks import TaskSpec, load_task
from autopeft.tasks.tables import kind_in_words, read_source

ROWS = 40


def saved(tmp_path, **columns):
    whole = {"text": [f"text {n}" for n in range(ROWS)], "label": ["a", "b"] * (ROWS // 2), **columns}
    pyarrow.parquet.write_table(pyarrow.table(whole), tmp_path / "a.parquet")
    return str(tmp_path / "a.parquet")


def no_utf8(*values):
    raw = pyarrow.array(values, pyarrow.binary())
    return pyarrow.Array.from_buffers(pyarrow.string(), len(raw), raw.buffers())


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        (pyarrow.array([2**62] * ROWS, pyarrow.timestamp("us")), "a date that cannot be told"),
        (pyarrow.array([0] * ROWS, pyarrow.timestamp("us", tz="Moon/Base")), "a date that cannot be told"),
        (pyarrow.array([2**31 - 1] * ROWS, pyarrow.date32()), "a date that cannot be told"),
        (no_utf8(*[b"caf\xe9"] * ROWS), "bytes that are no UTF-8"),
        (pyarrow.array([b"\x89PNG\xff"] * ROWS), "bytes"),
    ],
)
def test_what_cannot_be_read_matters_only_where_it_is_used(tmp_path, column, kind):
    path = saved(tmp_path, when=column)
    table = read_source(path)["train"]
    assert {kind_in_words(row["when"]) for _, row in table.rows} == {kind}
    assert sum(map(len, load_task(TaskSpec(data=path)).splits.values())) == ROWS
    with pytest.raises(DataError, match=f"row 1: 'when' holds {kind}, not text, as in 40 of 40 rows"):
        load_task(TaskSpec(data=path, text="when"))


def test_single_cells_that_cannot_be_read_are_dropped_by_name(tmp_path):
    texts = no_utf8(*[b"plain %d" % n for n in range(ROWS - 1)], b"caf\xe9")
    intake = load_task(TaskSpec(data=saved(tmp_path, text=texts))).intake["train"]
    assert intake.drops == {"'text' holds bytes that are no UTF-8, not text": (f"row {ROWS}",)}


def test_texts_that_are_stored_as_bytes_are_read_and_said(tmp_path):
    path = saved(tmp_path, text=pyarrow.array([*(f"zwölf {n}".encode() for n in range(ROWS - 1)), None]))
    table = read_source(path)["train"]
    assert [row["text"] for _, row in table.rows] == [*(f"zwölf {n}" for n in range(ROWS - 1)), None]
    assert table.notes == ("'text' holds bytes, read as UTF-8",)


def test_blanks_around_names_are_left_out_as_in_csv(tmp_path):
    table = read_source(saved(tmp_path, **{" more ": ["x"] * ROWS}))["train"]
    assert table.columns == ("text", "label", "more")
    assert table.rows[0][1]["more"] == "x"


def test_names_that_are_no_utf8_are_refused(tmp_path):
    path = saved(tmp_path, naive=["x"] * ROWS)
    with open(path, "rb") as file:
        raw = file.read()
    with open(path, "wb") as file:
        file.write(raw.replace(b"naive", b"na\xefve"))
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        read_source(path)
