"""Groups stay whole, duplicates are counted, and left out where that is asked for."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopeft.errors import DataError
from autopeft.tasks import TaskSpec, load_task
from autopeft.tasks.grouping import split_by_group
from autopeft.tasks.tables import Table


def table_of(rows):
    columns = ("text", "author", "label")
    return Table("rows", columns, [(f"row {n}", dict(zip(columns, row, strict=True))) for n, row in enumerate(rows)])


@given(st.lists(st.integers(1, 9), min_size=4, max_size=40), st.integers(0, 9), st.booleans())
def test_each_group_lands_whole_in_one_split(sizes, seed, given_test):
    rows = [(f"t{author} {n}", author, "ab"[n % 2]) for author, size in enumerate(sizes) for n in range(size)]
    tables = {"train": table_of(rows)} | ({"test": table_of(rows[:1])} if given_test else {})
    parts = split_by_group(tables, "author", "label", seed)
    assert set(parts) == {"train", "validation", "test"}
    new = ("train", "validation") if given_test else tuple(parts)
    landed = Counter(row["text"] for name in new for _, row in parts[name].rows)
    assert landed == Counter(text for text, *_ in rows)
    authors = [{row["author"] for _, row in parts[name].rows} for name in new]
    assert all(authors)
    assert sum(map(len, authors)) == len(sizes)


def test_rows_without_a_group_are_their_own_and_labels_are_spread():
    rows = [(f"t{n}", None if n % 3 else n // 30, "ab"[n % 4 == 0]) for n in range(600)]
    parts = split_by_group({"train": table_of(rows)}, "author", "label", 0)
    shares = [sum(row["label"] == "b" for _, row in part.rows) / len(part.rows) for part in parts.values()]
    assert max(shares) - min(shares) < 0.05
    assert [round(len(part.rows) / 60) for part in parts.values()] == [8, 1, 1]


def write(path, rows):
    path.write_text("text,author,label\n" + "".join(f"{text},{author},{label}\n" for text, author, label in rows))
    return str(path)


def test_a_task_says_by_what_it_was_split(tmp_path):
    path = write(tmp_path / "a.csv", [(f"text {n}", n // 6, "ab"[n % 2]) for n in range(240)])
    task = load_task(TaskSpec(data=path, group="author"))
    assert any("split off the training rows by 'author', 40 groups" in line for line in task.describe())
    assert not any("not used" in line for line in task.describe())
    authors = [{int(text.split()[1]) // 6 for text in split.texts} for split in task.splits.values()]
    assert sum(map(len, authors)) == 40
    assert load_task(TaskSpec(data=path, group="author")).fingerprint == task.fingerprint
    assert load_task(TaskSpec(data=path, group="author", seed=1)).fingerprint != task.fingerprint


def test_examples_know_their_groups_whatever_rows_are_left_out(tmp_path):
    rows = [(f"text {n}", n // 2, "ab"[n % 2]) for n in range(240)]
    rows[7], rows[101] = ("", 3, "a"), ("text 100", 50, "b")
    path = write(tmp_path / "a.csv", rows)
    for dropped in (False, True):
        task = load_task(TaskSpec(data=path, group="author", drop_duplicates=dropped))
        for name, split in task.splits.items():
            told = {f"group {int(text.split()[1]) // 2}" for text in split.texts}
            assert len(task.groups[name]) == len(split)
            assert set(task.groups[name]) == told


def test_given_splits_have_groups_too_and_what_lacks_them_counts_alone(tmp_path):
    rows = [(f"text {n}", n // 6, "ab"[n % 2]) for n in range(240)]
    files = {"data": write(tmp_path / "train.csv", rows[:120]), "validation": write(tmp_path / "v.csv", rows[120:180])}
    (tmp_path / "t.csv").write_text("text,label\n" + "".join(f"{text},{label}\n" for text, _, label in rows[180:]))
    task = load_task(TaskSpec(**files, test=str(tmp_path / "t.csv"), group="author"))
    assert {name: len(set(groups)) for name, groups in task.groups.items()} == {
        "train": 20,
        "validation": 10,
        "test": 60,
    }
    assert "test has no column 'author', so that each of its rows counts alone" in task.notes
    assert task.independent("test") == 60
    assert task.independent("validation") == 20


def test_few_groups_tell_nothing_of_groups(tmp_path):
    path = write(tmp_path / "a.csv", [(f"text {n}", n // 20, "ab"[n % 2]) for n in range(240)])
    task = load_task(TaskSpec(data=path, group="author"))
    assert not task.groups
    assert any("too few to tell how groups differ: intervals are over each text" in n for n in task.notes)


def test_intervals_of_answers_are_over_each_answer(tmp_path):
    path = tmp_path / "asked.jsonl"
    path.write_text(
        "".join(f'{{"prompt": "{n} + 1 =", "completion": "{n + 1}", "by": {n // 3}}}\n' for n in range(240))
    )
    # Of answers only some are written, in an order of their own.
    for metric, grouped in (("token_accuracy", True), ("exact_match", False)):
        task = load_task(TaskSpec(data=str(path), group="by", metric=metric))
        assert bool(task.groups) is grouped
        assert any("but intervals are over each example by itself" in note for note in task.notes) is not grouped


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"group": "editor"}, "no column 'editor' to keep rows together by; found: text, author, label"),
        ({"group": "label"}, "the column 'label' holds 2 groups, expected more than 2"),
    ],
)
def test_groups_that_cannot_be_are_refused(tmp_path, fields, message):
    path = write(tmp_path / "a.csv", [(f"text {n}", n // 6, "ab"[n % 2]) for n in range(240)])
    with pytest.raises(DataError, match=message):
        load_task(TaskSpec(data=path, **fields))


def test_duplicates_are_counted_and_left_out(tmp_path):
    rows = [(f"text {n}", 0, "ab"[n % 2]) for n in range(120)]
    files = {
        "data": write(tmp_path / "train.csv", rows[:80] + rows[:10] + rows[110:113]),
        "validation": write(tmp_path / "v.csv", rows[80:100] + rows[78:80]),
        "test": write(tmp_path / "t.csv", rows[100:120] + rows[80:83]),
    }
    said = " ".join(load_task(TaskSpec(**files)).notes)
    assert "inputs that repeat an earlier one of their split: 10 in train" in said
    for words in ("2 of 22 validation inputs also stand in train", "3 of 23 test inputs also stand in train"):
        assert words in said
    assert "3 of 23 test inputs also stand in validation" in said
    task = load_task(TaskSpec(**files, drop_duplicates=True))
    assert "duplicates left out: 3 of 22 in validation, 15 of 93 in train" in " ".join(task.notes)
    texts = [text for split in task.splits.values() for text in split.texts]
    assert len(texts) == len(set(texts)) == 120
    assert len(task.test) == 23


def test_too_little_without_duplicates_is_refused(tmp_path):
    rows = [(f"text {n % 10}", 0, "ab"[n % 2]) for n in range(60)]
    files = {name: write(tmp_path / f"{name}.csv", rows) for name in ("data", "validation", "test")}
    with pytest.raises(DataError, match=r"without duplicates train has 0 examples, expected at least 16"):
        load_task(TaskSpec(**files, drop_duplicates=True))


def test_a_very_common_label_asks_for_another_metric(tmp_path):
    path = write(tmp_path / "a.csv", [(f"text {n}", 0, "ab"[n % 10 == 0]) for n in range(200)])
    assert any("--metric macro_f1 or mcc says more" in line for line in load_task(TaskSpec(data=path)).describe())
    said = load_task(TaskSpec(data=path, metric="mcc")).describe()
    assert not any("says more" in line for line in said)
