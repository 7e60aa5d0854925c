"""Pictures in the cells of tables: where paths begin, and cells that hold nothing or name nothing."""

import pandas as pd
import pytest

from autopeft.errors import DataError
from autopeft.tasks.tables import read_source
from tests.tasks.media.fill import fill, loaded, picture

FEW = {"cat": 10, "dog": 10}


def rows_of(counts):
    rows = (f"{label}/{n}.png,{label},{n // 2}\n" for label in counts for n in range(counts[label]))
    return "image,label,owner\n" + "".join(rows)


def table(folder, counts, name="rows.csv"):
    """Write pictures, and beside them a table that names them from there on."""
    fill(folder, counts)
    (folder / name).write_text(rows_of(counts))
    return folder / name


def sources(task):
    return {name: {item.source for item in split.items} for name, split in task.splits.items()}


def test_paths_begin_where_each_table_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    train, val, test = (table(tmp_path / name, {"cat": 20, "dog": 20}) for name in ("a", "b", "c"))
    task = loaded(train, validation=str(val), test=str(test))
    for name, file in {"train": train, "validation": val, "test": test}.items():
        assert {source.parent.parent for source in sources(task)[name]} == {file.parent}


@pytest.mark.parametrize("data", ["all/*/rows.csv", "all"])
@pytest.mark.parametrize("group", [None, "owner"])
def test_paths_begin_where_each_of_several_tables_is(tmp_path, monkeypatch, data, group):
    monkeypatch.chdir(tmp_path)
    labels = {"x": "cat", "x, line 1": "dog", "z": "eel"}
    for name, label in labels.items():
        table(tmp_path / "all" / name, {label: 40})
    task = loaded(data, image="image", group=group)
    assert sum(map(len, task.splits.values())) == 120
    for split in task.splits.values():
        for item, label in zip(split.items, split.labels, strict=True):
            assert labels[item.source.parent.parent.name] == task.schema.labels[label]


def test_paths_in_a_table_that_is_packed_begin_beside_it(tmp_path):
    file = table(tmp_path, {"cat": 4, "dog": 4})
    pd.read_csv(file).to_csv(tmp_path / "rows.csv.gz", index=False)
    [read] = read_source(tmp_path / "rows.csv.gz").values()
    assert {read.folder_of(place) for place, _ in read.rows} == {tmp_path}


def test_files_beside_tables_are_told_in_short(tmp_path):
    table(tmp_path, {"cat": 40})
    [read] = read_source(tmp_path).values()
    [note] = [note for note in read.notes if "no data" in note]
    assert note.endswith("cat/4.png and 35 more")


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("~nosuchuser/x.png", "names '~nosuchuser/x.png', which is not there"),
        ("x" * 300 + ".png", f"names '{'x' * 80}...', which is not there"),
        ("a\0b.png", "names 'a\\x00b.png', which is not there"),
        ("a\x1b[31mb.png", r"names 'a\x1b[31mb.png', which is not there"),
    ],
)
def test_cells_that_name_nothing_are_told_in_one_line(tmp_path, cell, words):
    fill(tmp_path, FEW)
    cells = [f"{label}/{n}.png" for label in FEW for n in range(10)] * 3
    rows = pd.DataFrame({"image": [*cells, cell], "label": [path.split("/")[0] for path in cells] + ["cat"]})
    rows.to_parquet(tmp_path / "rows.parquet")
    with pytest.raises(DataError) as error:
        loaded(tmp_path / "rows.parquet")
    assert words in str(error.value)
    assert str(error.value).isprintable()


def test_structs_of_nothing_are_empty_cells(tmp_path):
    cells = [{"bytes": picture(), "path": None} for _ in range(60)] + [{"bytes": None, "path": None}]
    labels = ["cat", "dog"] * 30 + ["cat"]
    pd.DataFrame({"image": cells, "label": labels}).to_parquet(tmp_path / "rows.parquet")
    task = loaded(tmp_path / "rows.parquet")
    assert sum(map(len, task.splits.values())) == 60
    assert any("1 row of 61 dropped, 'image' is empty" in line for line in task.describe())


def test_a_cell_that_cannot_be_read_stands_without_a_prediction(tmp_path):
    task = loaded(fill(tmp_path / "pets", {"cat": 30, "dog": 30}))
    rows = 'image\npets/cat/1.png\npets/cat/2.png\n""\ngone.png\npets/cat/3.png\n'
    (tmp_path / "new.csv").write_text(rows)
    (tmp_path / "pets" / "cat" / "2.png").write_text("hello")
    [new] = read_source(tmp_path / "new.csv").values()
    split, numbers, intake = task.kind.unlabelled(task.schema, new)
    assert [item.name for item in split.items] == ["pets/cat/1.png", "pets/cat/3.png"]
    assert numbers[0] == 0
    assert set(intake.drops) >= {
        "whose 'image' cannot be read as a picture",
        "whose 'image' names no picture that is there, in its folder",
    }
