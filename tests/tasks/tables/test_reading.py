"""The same rows, whatever holds them; what cannot be read is refused with the reason."""

import gzip
import json
import zipfile

import datasets
import pandas as pd
import pyarrow
import pytest

from autopeft.errors import DataError
from autopeft.tasks.tables import is_source, read_source

ROWS = [("a fine, long text", "yes"), ('a "quoted" one', "no"), ("zwölf\nover two lines", "yes")]


def one_line(rows):
    return [(text.replace("\n", " "), label) for text, label in rows]


def write(folder, ending, rows=ROWS):
    frame = pd.DataFrame(rows, columns=["text", "label"])
    path = folder / f"rows{ending}"
    plain, _, packed = ending[1:].partition(".")
    match plain:
        case "csv":
            content = frame.to_csv(index=False).encode()
        case "tsv":
            content = ("text\tlabel\n" + "".join(f"{text}\t{label}\n" for text, label in rows)).encode()
        case "jsonl" | "ndjson":
            content = frame.to_json(orient="records", lines=True).encode()
        case "json":
            content = frame.to_json(orient="records", indent=1).encode()
        case "parquet":
            content = frame.to_parquet()
        case "xlsx":
            frame.to_excel(path, index=False)
            return path
    match packed:
        case "gz":
            path.write_bytes(gzip.compress(content))
        case "zst":
            path.write_bytes(pyarrow.compress(content, codec="zstd", asbytes=True))
        case "zip":
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr(f"rows.{plain}", content)
                archive.writestr(f"__MACOSX/._rows.{plain}", b"\0\1")
        case _:
            path.write_bytes(content)
    return path


def pairs(table):
    return [(row["text"], row["label"]) for _, row in table.rows]


PLAIN = [".csv", ".jsonl", ".ndjson", ".json", ".parquet", ".xlsx"]


@pytest.mark.parametrize("ending", [*PLAIN, ".csv.gz", ".jsonl.gz", ".csv.zst", ".jsonl.zip", ".parquet.gz"])
def test_every_kind_of_file_gives_the_same_rows(tmp_path, ending):
    if ending == ".xlsx":
        pytest.importorskip("openpyxl")
    [(split, table)] = read_source(write(tmp_path, ending)).items()
    assert (split, table.columns, pairs(table)) == ("train", ("text", "label"), ROWS)


@pytest.mark.parametrize("ending", [".tsv", ".tsv.gz"])
def test_tabs_give_the_same_rows(tmp_path, ending):
    rows = one_line(ROWS)
    assert pairs(read_source(write(tmp_path, ending, rows))["train"]) == rows


def test_rows_know_where_they_stand(tmp_path):
    def places(ending):
        return [place for place, _ in read_source(write(tmp_path, ending))["train"].rows]

    assert places(".csv") == ["line 2", "line 3", "line 4"]
    assert places(".jsonl") == ["line 1", "line 2", "line 3"]
    assert places(".json") == ["line 2", "line 6", "line 10"]
    assert places(".parquet") == ["row 1", "row 2", "row 3"]


def test_a_saved_data_set_is_read_with_the_names_of_its_classes(tmp_path):
    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["no", "yes"])})
    data = {"text": [text for text, _ in ROWS], "label": [int(label == "yes") for _, label in ROWS]}
    saved = datasets.Dataset.from_dict(data, features=features)
    saved.select([2, 0, 1]).save_to_disk(tmp_path / "one")
    table = read_source(tmp_path / "one")["train"]
    assert pairs(table) == [ROWS[2], ROWS[0], ROWS[1]]
    assert table.classes == {"label": ("no", "yes")}
    datasets.DatasetDict({"train": saved, "dev": saved.select([1])}).save_to_disk(tmp_path / "two")
    parts = read_source(tmp_path / "two")
    assert {split: pairs(part) for split, part in parts.items()} == {"train": ROWS, "validation": [ROWS[1]]}
    saved.to_parquet(tmp_path / "named.parquet")
    assert pairs(read_source(tmp_path / "named.parquet")["train"]) == ROWS


def test_hidden_class_numbers_are_missing(tmp_path):
    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["no", "yes"])})
    datasets.Dataset.from_dict({"text": ["x", "y"], "label": [-1, 1]}, features=features).save_to_disk(tmp_path / "d")
    assert pairs(read_source(tmp_path / "d")["train"]) == [("x", None), ("y", "yes")]


def test_shards_are_read_in_the_order_of_their_numbers(tmp_path):
    rows = [(f"text {number}", "ab"[number % 2]) for number in range(36)]
    for shard in range(12):
        file = write(tmp_path, ".jsonl", rows[3 * shard : 3 * shard + 3])
        file.rename(tmp_path / f"part-{shard}.jsonl")
    (tmp_path / "README.md").write_text("about")
    for source in (tmp_path, tmp_path / "part-*.jsonl"):
        table = read_source(source)["train"]
        assert pairs(table) == rows
        assert table.rows[31][0] == "part-10.jsonl, line 2"
        assert "12 files, part-0.jsonl to part-11.jsonl" in table.notes
    assert "left out, for they are no data: README.md" in read_source(tmp_path)["train"].notes


def test_files_called_after_splits_are_those_splits(tmp_path):
    for name in ("train-0", "train-1", "dev", "test"):
        write(tmp_path, ".csv").rename(tmp_path / f"{name}.csv")
    parts = read_source(tmp_path)
    assert {split: len(table.rows) for split, table in parts.items()} == {"train": 6, "validation": 3, "test": 3}
    write(tmp_path, ".csv").rename(tmp_path / "extra.csv")
    with pytest.raises(DataError, match=r"files called after a split, and others: extra\.csv"):
        read_source(tmp_path)


def packed(tmp_path, *names):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in names:
            archive.writestr(name, f"text,label\nfrom {name},x\n")
    return tmp_path / "a.zip"


@pytest.mark.parametrize("kind", ["archive", "pattern", "pattern of folders"])
def test_splits_within_archives_and_patterns_are_kept_apart(tmp_path, kind):
    names = ["train.csv", "dev.csv", "test.csv"]
    if kind == "pattern of folders":
        names = [f"{name.split('.')[0]}/rows.csv" for name in names]
    source = packed(tmp_path, *names)
    if kind != "archive":
        zipfile.ZipFile(source).extractall(tmp_path)
        source = tmp_path / ("*.csv" if kind == "pattern" else "*/*.csv")
    parts = read_source(source)
    assert {split: [row["text"] for _, row in table.rows] for split, table in parts.items()} == {
        split: [f"from {name}"] for split, name in zip(("train", "validation", "test"), names, strict=True)
    }
    assert parts["test"].source == f"{source} (test)"


@pytest.mark.parametrize("kind", ["archive", "pattern"])
def test_an_archive_or_a_pattern_of_one_split_is_that_split(tmp_path, kind):
    archive = packed(tmp_path, "test-0.csv", "test-1.csv")
    zipfile.ZipFile(archive).extractall(tmp_path)
    [(split, table)] = read_source(archive if kind == "archive" else tmp_path / "test-*.csv").items()
    assert (split, len(table.rows)) == ("train", 2)


def test_files_called_after_splits_beside_others_are_refused_in_archives_and_patterns(tmp_path):
    archive = packed(tmp_path, "train.csv", "test.csv", "extra.csv")
    zipfile.ZipFile(archive).extractall(tmp_path)
    for source in (archive, tmp_path / "*.csv"):
        with pytest.raises(DataError, match=r"files called after a split, and others: extra\.csv"):
            read_source(source)
    with pytest.raises(DataError, match="files of validation and test alone"):
        read_source(packed(tmp_path, "dev.csv", "test.csv"))


def test_what_is_no_data_in_an_archive_is_left_out_as_in_a_folder(tmp_path):
    hidden = [".DS_Store", "._a.csv", "__MACOSX/._a.csv", "in/.cache/b.csv"]
    [table] = read_source(packed(tmp_path, "a.csv", "README.txt", *hidden)).values()
    assert [row["text"] for _, row in table.rows] == ["from a.csv"]
    assert table.notes == ("left out, for they are no data: README.txt",)


def test_packed_files_within_an_archive_are_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("b.csv.zst", bytes(pyarrow.compress(b"text,label\nz,1\n", codec="zstd", asbytes=True)))
        archive.writestr("a.csv.gz", gzip.compress(b"text,label\ng,0\n"))
    assert pairs(read_source(tmp_path / "a.zip")["train"]) == [("g", "0"), ("z", "1")]


def test_two_files_of_one_name_in_an_archive_are_refused(tmp_path):
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = packed(tmp_path, "a.csv", "b.csv", "a.csv")
    with pytest.raises(DataError, match=r"holds 'a\.csv' more than once"):
        read_source(path)


def test_shards_with_other_columns_are_said(tmp_path):
    write(tmp_path, ".csv").rename(tmp_path / "a.csv")
    (tmp_path / "b.csv").write_text("text,note\nx,y\n")
    table = read_source(tmp_path)["train"]
    assert table.columns == ("text", "label", "note")
    assert "not all files have the columns label, note" in table.notes


def test_columns_of_one_name_are_known(tmp_path):
    (tmp_path / "a.csv").write_text("text,label,text\nx,y,z\n")
    assert read_source(tmp_path / "a.csv")["train"].repeated == {"text"}
    column = pyarrow.array(["x", "y"])
    twice = pyarrow.Table.from_arrays([column, column, column], names=["text", "label", "text"])
    pyarrow.parquet.write_table(twice, tmp_path / "a.parquet")
    table = read_source(tmp_path / "a.parquet")["train"]
    assert (table.repeated, len(table.rows)) == ({"text"}, 2)


def test_columns_of_lists_of_numbers_are_not_loaded_unless_named(tmp_path):
    frame = pd.DataFrame({"text": ["x"], "embedding": [[0.5, 0.5]]})
    frame.to_parquet(tmp_path / "a.parquet")
    table = read_source(tmp_path / "a.parquet")["train"]
    assert (table.columns, table.rows) == (("text", "embedding"), [("row 1", {"text": "x"})])
    named = read_source(tmp_path / "a.parquet", ["embedding"])["train"]
    assert named.rows == [("row 1", {"text": "x", "embedding": [0.5, 0.5]})]


def test_a_workbook_of_two_filled_sheets_is_refused(tmp_path):
    pytest.importorskip("openpyxl")
    with pd.ExcelWriter(tmp_path / "a.xlsx") as book:
        for name in ("spring", "autumn"):
            pd.DataFrame(ROWS, columns=["text", "label"]).to_excel(book, sheet_name=name, index=False)
    with pytest.raises(DataError, match="has the sheets 'spring', 'autumn'; expected one"):
        read_source(tmp_path / "a.xlsx")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("absent.csv", None, "was not found"),
        ("absent-*.csv", None, "no file is called like"),
        ("rows.docx", b"x", r"ends in '.docx'; expected one of: .csv"),
        ("rows.csv", b"", "is empty"),
        ("rows.xlsx", b"x", "cannot be read as an Excel workbook"),
        ("rows.csv.gz", b"no gzip", "cannot be read"),
        ("rows.csv.zst", b"no zstd", "cannot be read"),
        ("rows.csv.zip", b"no zip", "cannot be read"),
        ("rows.parquet", b"PAR0", "cannot be read as Parquet"),
    ],
)
def test_bad_files_are_refused_with_the_reason(tmp_path, name, content, message):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_source(path)


def test_bad_archives_and_folders_are_refused_with_the_reason(tmp_path):
    with pytest.raises(DataError, match="is a folder without data; expected files ending in one of"):
        read_source(tmp_path)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("notes.docx", "x")
    with pytest.raises(DataError, match=r"holds 'notes\.docx'; expected files ending in one of"):
        read_source(tmp_path / "a.zip")
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "state.json").write_text("{}")
    with pytest.raises(DataError, match="looks like what save_to_disk writes, but cannot be read"):
        read_source(tmp_path / "saved")


def test_a_key_missing_in_a_json_row_reads_as_none(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in [{"text": "x", "label": 1}, {"text": "y", "more": 2}]))
    table = read_source(path)["train"]
    assert table.columns == ("text", "label", "more")
    assert [row.get("label") for _, row in table.rows] == [1, None]


@pytest.mark.parametrize(("name", "is_one"), [("x.csv", True), ("data/*.jsonl.gz", True), ("owner/name:part", False)])
def test_names_of_files_are_told_from_those_of_the_hub(name, is_one):
    assert is_source(name) == is_one
