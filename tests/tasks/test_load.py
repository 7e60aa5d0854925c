import json
from pathlib import Path

import pandas as pd
import pytest

from autopeft.errors import DataError
from autopeft.tasks import TaskSpec, hub, load_task

SHARED = Path(__file__).parents[2].parent / "shared" / "data"


def write(path, rows, columns=("text", "label")):
    pd.DataFrame(rows, columns=list(columns)).to_csv(path, index=False)
    return str(path)


@pytest.fixture
def rows():
    return [(f"text number {i}", "even" if i % 2 == 0 else "odd") for i in range(200)]


def test_a_single_file_is_split_for_the_user(tmp_path, rows):
    task = load_task(TaskSpec(data=write(tmp_path / "numbers.csv", rows)))
    assert task.name == "numbers"
    assert task.schema.labels == ("even", "odd")
    assert [len(split) for split in task.splits.values()] == [160, 20, 20]
    assert "validation and test split off" in task.notes[-1]


def test_given_files_are_used_as_they_are(tmp_path, rows):
    spec = TaskSpec(
        data=write(tmp_path / "train.csv", rows[:150]),
        validation=write(tmp_path / "v.csv", rows[140:180]),
        test=write(tmp_path / "t.csv", rows[180:]),
    )
    task = load_task(spec)
    assert [len(split) for split in task.splits.values()] == [150, 40, 20]
    assert task.notes[0] == "10 of 40 validation inputs also stand in train"


def test_rows_with_an_empty_text_or_label_are_dropped_and_counted(tmp_path, rows):
    task = load_task(TaskSpec(data=write(tmp_path / "a.csv", [*rows, ("", "odd"), ("  ", "even"), ("x", None)])))
    intake = task.intake["train"]
    assert intake.drops == {"'text' is empty": ("line 202", "line 203"), "'label' is empty": ("line 204",)}
    assert (intake.rows, intake.used) == (203, 200)
    assert "a.csv: 2 rows of 203 dropped, 'text' is empty (lines 202, 203)" in task.describe()
    assert sum(len(split) for split in task.splits.values()) == 200


def test_what_is_no_text_is_dropped_by_name_and_numbers_are_texts(tmp_path, rows):
    dirty = [3, 2.5, True, None, float("nan"), ["a"], {"a": 1}, "half \ud83d", "line\r\nends"]
    lines = [{"text": text, "label": label} for text, label in rows] + [
        {"text": text, "label": "odd"} for text in dirty
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, lines)))
    task = load_task(TaskSpec(data=str(tmp_path / "a.jsonl"), seed=1))
    texts = {text for split in task.splits.values() for text in split.texts}
    assert texts - {text for text, _ in rows} == {"3", "2.5", "true", "half \N{REPLACEMENT CHARACTER}", "line\nends"}
    intake = task.intake["train"]
    assert {reason: len(places) for reason, places in intake.drops.items()} == {
        "'text' is empty": 2,
        "'text' holds a list, not text": 1,
        "'text' holds an object, not text": 1,
    }
    assert intake.remarks == {"half a character replaced by \N{REPLACEMENT CHARACTER}": ("line 208",)}


def test_a_column_of_lists_is_no_text(tmp_path, rows):
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps({"text": [text], "label": label}) for text, label in rows))
    with pytest.raises(DataError, match=r"line 1: 'text' holds a list, not text, as in 200 of 200 rows"):
        load_task(TaskSpec(data=str(tmp_path / "a.jsonl")))


def test_columns_that_are_not_used_are_named(tmp_path, rows):
    path = write(tmp_path / "a.csv", [(*row, "x", 1) for row in rows], ("text", "label", "remark", "id"))
    assert "a.csv: not used: remark, id" in load_task(TaskSpec(data=path)).describe()


def test_columns_of_one_name_are_refused_where_they_are_used(tmp_path, rows):
    header, lines = "text,label,text\n", [f"{text},{label},remark {n}" for n, (text, label) in enumerate(rows)]
    (tmp_path / "a.csv").write_text(header + "\n".join(lines))
    with pytest.raises(DataError, match="several columns called 'text'"):
        load_task(TaskSpec(data=str(tmp_path / "a.csv")))


def test_a_header_that_is_a_row_is_told_from_a_wrong_name(tmp_path, rows):
    path = write(tmp_path / "a.csv", rows[1:], rows[0])
    with pytest.raises(DataError, match=r"found: text number 0, even\. That first line looks like a row"):
        load_task(TaskSpec(data=path))


def test_rare_labels_are_named_before_anything_trains(tmp_path, rows):
    task = load_task(TaskSpec(data=write(tmp_path / "a.csv", [*rows, ("once", "rare")])))
    [note] = [note for note in task.notes if "rare" in note]
    assert note.startswith("a label without a row in each split, learned but not measured there: 'rare' (train 1, ")
    few = [(f"text {number}", "ok") for number in range(180)] + [("a", "fraud"), ("b", "fraud")]
    with pytest.raises(
        DataError, match=r"too few rows of 'fraud' \(2 rows\) for each split to have one beside 'ok'; add"
    ):
        load_task(TaskSpec(data=write(tmp_path / "b.csv", few)))


def test_a_split_of_a_folder_without_labels_is_left_out_and_said(tmp_path, rows):
    write(tmp_path / "train.csv", rows)
    write(tmp_path / "test.csv", [(f"hidden {number}", None) for number in range(30)])
    task = load_task(TaskSpec.of(data=str(tmp_path)))
    assert [len(split) for split in task.splits.values()] == [160, 20, 20]
    assert "test has no row with a label, and is not used" in task.notes
    assert (task.intake["test"].rows, task.intake["test"].used) == (30, 0)


def test_a_source_of_which_no_row_is_left_is_refused_with_the_reasons(tmp_path, rows):
    bare = write(tmp_path / "a.csv", [(text, None) for text, _ in rows] + [(" ", "odd")])
    reasons = r"'label' is empty in 200 \(from line 2 on\), 'text' is empty in 1 \(from line 202 on\)"
    with pytest.raises(DataError, match=rf"none of the 201 rows of '.*a\.csv' can be used: {reasons}"):
        load_task(TaskSpec(data=bare))
    with pytest.raises(DataError, match=r"none of the 201 rows of '.*a\.csv' can be used"):
        load_task(TaskSpec(data=write(tmp_path / "b.csv", rows), validation=bare))
    pd.DataFrame({"text": ["\xff".encode("latin-1")] * 40, "label": ["a", "b"] * 20}).to_parquet(tmp_path / "c.parquet")
    with pytest.raises(DataError, match=r"'text' holds bytes, not text, as in 40 of 40 rows"):
        load_task(TaskSpec(data=str(tmp_path / "c.parquet")))


def test_of_many_or_long_names_some_are_shown(tmp_path):
    columns = [f"column {number}" for number in range(1000)]
    (tmp_path / "a.csv").write_text(f"{','.join(columns)}\n{','.join('x' * 1000)}\n")
    with pytest.raises(DataError, match=r"found: column 0, column 1, .*, column 19 and 980 more\.") as refused:
        load_task(TaskSpec(data=str(tmp_path / "a.csv")))
    assert len(str(refused.value)) < 800
    (tmp_path / "b.csv").write_text(f"{'long ' * 5000},label\nx,y\n")
    with pytest.raises(DataError, match=r"found: long long .*\.\.\., label\.") as refused:
        load_task(TaskSpec(data=str(tmp_path / "b.csv")))
    assert len(str(refused.value)) < 800


def test_labels_like_numbers_are_ordered_as_such_only_where_all_are(tmp_path):
    def labels(*names):
        return load_task(
            TaskSpec(data=write(tmp_path / "a.csv", [(f"t{n}", names[n % 3]) for n in range(90)]))
        ).schema.labels

    assert labels("10", "9", "-1") == ("-1", "9", "10")
    assert labels("--1", "--2", "-1") == ("--1", "--2", "-1")


def test_a_file_that_is_named_goes_before_one_that_is_found(tmp_path, rows):
    write(tmp_path / "train.csv", rows[:160])
    write(tmp_path / "test.csv", rows[160:180])
    other = write(tmp_path.with_name(f"{tmp_path.name}-other.csv"), rows[180:])
    task = load_task(TaskSpec.of(data=str(tmp_path), test=other))
    assert set(task.test.texts) == {text for text, _ in rows[180:]}
    assert any("taken in place of the test split" in line for line in task.describe())


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kind": "chat"}, "unknown kind of task 'chat'; expected one of: classification, regression, causal"),
        ({"kind": "classificaton"}, "did you mean 'classification'"),
        ({"kind": "classification", "messages": "m"}, "--messages is not for a task of classification"),
        ({"messages": "m", "label": "l"}, "no kind of task takes --label and --messages"),
        ({"metric": "f1"}, "unknown metric 'f1' of a task of classification; expected one of: accuracy"),
    ],
)
def test_kinds_metrics_and_columns_that_do_not_fit_are_refused_by_name(tmp_path, fields, message):
    path = write(tmp_path / "a.csv", [(f"text {n}", "ab"[n % 2]) for n in range(90)])
    with pytest.raises(DataError, match=message):
        load_task(TaskSpec(data=path, **fields))


def test_pairs_and_numeric_labels(tmp_path):
    rows = [(f"premise {i}", f"claim {i}", i % 11) for i in range(220)]
    path = write(tmp_path / "a.csv", rows, ("a", "b", "y"))
    task = load_task(TaskSpec(data=path, text="a", text2="b", label="y"))
    assert task.schema.pair
    assert task.train.texts[0][0].startswith("premise")
    assert task.schema.labels == tuple(str(i) for i in range(11))


@pytest.mark.parametrize(
    ("train", "validation", "message"),
    [
        ([("x", "a")] * 5 + [("y", "b")] * 5, None, "expected at least"),
        ([(f"x{i}", "a") for i in range(90)], None, "all 90 training rows have the label 'a'"),
        ([(f"x{i}", f"label {i}") for i in range(90)], None, "90 different values in 90 training rows"),
        (None, [(f"v{i}", "c") for i in range(9)], r"labels that train lacks: 'c' \(9 rows\)"),
        (None, [(f"v{i}", "odd") for i in range(9)], "all 9 validation rows have the label 'odd'"),
        (None, [("v", "odd")], "validation has 1 usable row, expected at least 8"),
    ],
)
def test_data_that_cannot_carry_a_search_is_refused(tmp_path, rows, train, validation, message):
    data = write(tmp_path / "t.csv", train or rows)
    file = write(tmp_path / "v.csv", validation) if validation else None
    with pytest.raises(DataError, match=message):
        load_task(TaskSpec(data=data, validation=file))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "exactly one of --task, --data, the name of a dataset; found none"),
        ({"name": "icd10", "data": "x.csv"}, "found --task and --data"),
        ({"name": "icd10", "test": "x.csv"}, "go with a data file"),
        ({"data": "x.csv", "subset": "rte"}, "subset goes with dataset"),
        ({"nam": "icd10"}, "unknown key of a task: nam"),
    ],
)
def test_contradictory_specs_are_refused(fields, message):
    with pytest.raises(DataError, match=message):
        TaskSpec.from_dict(fields)


def test_a_spec_round_trips_through_plain_data():
    spec = TaskSpec(data="a/train.csv", text="q", metric="mcc", seed=3)
    assert TaskSpec.from_dict(spec.to_dict()) == spec
    assert spec.to_dict() == {"data": "a/train.csv", "text": "q", "metric": "mcc", "seed": 3}
    assert spec.short_name == "a"


def test_an_unknown_task_is_refused_with_the_nearest_name():
    with pytest.raises(DataError, match="did you mean 'icd10'"):
        load_task(TaskSpec(name="idc10"))


def test_a_local_folder_is_read_by_its_splits(tmp_path, rows):
    for split, part in {"train": rows[:150], "test": rows[150:]}.items():
        pd.DataFrame(part, columns=["text", "label"]).to_parquet(tmp_path / f"{split}-0.parquet")
    task = load_task(TaskSpec(dataset=str(tmp_path)))
    assert [len(split) for split in task.splits.values()] == [130, 20, 50]
    with pytest.raises(DataError, match=r"no column 'sentence'; found: text, label"):
        load_task(TaskSpec(dataset=str(tmp_path), text="sentence"))


def test_an_unreachable_hub_is_said_so_at_once(monkeypatch):
    monkeypatch.setattr(hub, "_reachable", lambda endpoint: False)
    with pytest.raises(DataError, match=r"'nobody/nothing' cannot be loaded.*hub cannot be reached"):
        load_task(TaskSpec(dataset="nobody/nothing"))


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"no data sets in {SHARED}")
@pytest.mark.parametrize(
    ("folder", "files", "columns", "labels"),
    [
        ("rte", {"data": "train.tsv", "test": "dev.tsv"}, {"text": "sentence1", "text2": "sentence2"}, 2),
        ("sst2", {"data": "train.tsv", "validation": "dev.tsv"}, {"text": "sentence"}, 2),
        ("trec6", {"data": "train.csv", "test": "test.csv"}, {}, 6),
        ("snips", {"data": "train.csv", "validation": "valid.csv", "test": "test.csv"}, {}, 7),
        ("banking77", {"data": "train.csv", "test": "test.csv"}, {"label": "category"}, 77),
    ],
)
def test_public_data_sets_load(folder, files, columns, labels):
    paths = {key: str(SHARED / folder / name) for key, name in files.items()}
    task = load_task(TaskSpec(**paths, **columns))
    assert task.name == folder
    assert len(task.schema.labels) == labels
    assert not any("dropped" in note for note in task.notes)


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({"task": "icd10", "text": None}, {"name": "icd10"}),
        ({"data": "absent.tsv.gz", "text": "q"}, {"data": "absent.tsv.gz", "text": "q"}),
        ({"data": "x.csv", "test": Path("t.csv")}, {"data": "x.csv", "test": "t.csv"}),
        ({"data": "nyu-mll/glue:rte"}, {"dataset": "nyu-mll/glue", "subset": "rte"}),
    ],
)
def test_what_a_user_names_becomes_a_spec(given, fields):
    assert TaskSpec.of(**given).to_dict() == fields
