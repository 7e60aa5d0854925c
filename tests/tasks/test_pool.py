"""A pool is read as its task is, without what is held out; what is left out of it is said and adds up."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from autopeft.errors import DataError
from autopeft.tasks import TaskSpec, load_task

COLUMNS = ("text", "label", "by", "other")


def write(path, rows):
    with path.open("w", newline="", encoding="utf8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


def rows_of(numbers, **further):
    return [
        {"text": f"text {number}", "label": "ab"[number % 2], "by": f"author {number // 3}", "other": f"o {number}"}
        | further
        for number in numbers
    ]


@pytest.fixture
def spec(tmp_path):
    """A pool of the task's own rows and of thirty others."""
    data = write(tmp_path / "data.csv", rows_of(range(120)))
    return TaskSpec(data=data, pool=write(tmp_path / "pool.csv", [*rows_of(range(150)), *rows_of([200], label="")]))


def test_nothing_of_it_is_held_out(spec):
    task = load_task(spec)
    held = {*task.validation.texts, *task.test.texts}
    assert held
    assert set(task.pool.texts) == {f"text {number}" for number in range(150)} - held
    account = task.intake["pool"]
    assert len(account.drops["stands in validation or test"]) == len(held)
    assert account.drops["'label' is empty"] == ("line 152",)
    assert account.used == len(task.pool)
    said = "\n".join(task.describe())
    assert f"pool.csv: {len(held)} rows of 151 dropped, stands in validation or test" in said
    assert f"a pool of {len(task.pool):,} rows" in said
    assert f"{len(task.train)} of {len(task.pool)} rows of the pool also stand in train; --drop-duplicates" in said


def test_the_task_itself_is_as_without(spec):
    task, plain = load_task(spec), load_task(replace(spec, pool=None))
    assert task.splits == plain.splits
    assert task.schema == plain.schema
    assert plain.pool is None
    assert plain.learnable is plain.train
    assert task.fingerprint != plain.fingerprint
    assert task.learnable.texts == [*task.train.texts, *task.pool.texts]


def test_another_pool_is_other_data(spec, tmp_path):
    before = load_task(spec).fingerprint
    assert load_task(spec).fingerprint == before
    write(tmp_path / "pool.csv", rows_of(range(151)))
    assert load_task(spec).fingerprint != before


def test_duplicates_and_groups_are_left_out(spec):
    task = load_task(replace(spec, drop_duplicates=True))
    assert set(task.pool.texts) == {f"text {number}" for number in range(120, 150)}
    assert len(task.intake["pool"].drops["stands in train, or in the pool before"]) == len(task.train)
    # Authors of held-out rows have further rows in the pool under other texts.
    write(Path(spec.pool), rows_of(range(120), text="written anew"))
    grouped = load_task(replace(spec, group="by"))
    held = {int(text.split()[1]) // 3 for text in (*grouped.validation.texts, *grouped.test.texts)}
    assert len(grouped.pool) == 120 - 3 * len(held)
    assert "of a group of 'by' that stands in validation or test" in grouped.intake["pool"].drops


def test_columns_beside_are_those_of_its_rows(spec):
    task = load_task(replace(spec, beside=("other",)))
    for text, other in zip(task.learnable.texts, task.beside["other"], strict=True):
        assert text.split()[1] == other.split()[1]
    few = task.learning([2, 5])
    assert len(few.learnable) == 2 + len(task.pool) == len(few.beside["other"])
    assert few.beside["other"][2:] == task.beside["other"][len(task.train) :]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (rows_of(range(9), label="c"), r"the pool has labels that train lacks: 'c' \(9\).*that --pool names"),
        (rows_of(range(9), label=""), "none of the 9 rows of '.*pool.csv' can be used"),
    ],
)
def test_what_cannot_be_learned_is_refused(spec, tmp_path, rows, said):
    write(tmp_path / "pool.csv", rows)
    with pytest.raises(DataError, match=said):
        load_task(spec)


def test_a_pool_of_what_is_held_out_is_refused(spec, tmp_path):
    task = load_task(replace(spec, pool=None))
    held = [int(text.split()[1]) for text in task.test.texts]
    write(tmp_path / "pool.csv", rows_of(held))
    with pytest.raises(DataError, match=r"no row is left of it: .*stands in validation or test"):
        load_task(spec)


def test_a_question_that_is_held_out_is_not_learned_with_another_answer(tmp_path):
    rows = [{"prompt": f"q {number}", "completion": f" a {number}"} for number in range(80)]
    data, pool = tmp_path / "data.jsonl", tmp_path / "pool.jsonl"
    data.write_text("\n".join(map(json.dumps, rows)), encoding="utf8")
    pool.write_text("\n".join(json.dumps({**row, "completion": " b"}) for row in rows), encoding="utf8")
    task = load_task(TaskSpec(data=str(data), pool=str(pool)))
    assert len(task.pool) == len(task.train)
    asked = [list(task.kind.questions(each)) for each in (task.pool, task.train)]
    assert sorted(asked[0]) == sorted(asked[1])


@pytest.mark.parametrize("spec", [{"kind": "rerank"}, {"name": "icd10-chapters", "data": None}])
def test_what_has_no_rows_has_no_pool(tmp_path, spec):
    judged = [{"query": f"q {n // 2}", "document": f"q {n // 2} {n}", "relevance": n % 2} for n in range(200)]
    (tmp_path / "data.jsonl").write_text("\n".join(map(json.dumps, judged)), encoding="utf8")
    path = str(tmp_path / "data.jsonl")
    with pytest.raises(DataError, match=r"pool.*leave"):
        load_task(TaskSpec(**{"data": path, "pool": path, **spec}))


def kinds(n):
    text = f"film {n}"
    return {
        "multilabel": {"text": text, "label": [["a"], ["b", "c"], ["a", "c"]][n % 3]},
        "regression": {"text": text, "label": n / 7},
        "tokens": {"words": ["film", str(n)], "tags": ["O", "B-x"]},
        "preference": {"prompt": text, "chosen": " good", "rejected": " bad"},
        "causal": {"text": text},
    }


@pytest.mark.parametrize("kind", kinds(0))
def test_every_kind_of_rows_has_one(tmp_path, kind):
    for name, numbers in {"data": range(90), "pool": range(60, 120)}.items():
        rows = "\n".join(json.dumps(kinds(n)[kind]) for n in numbers)
        (tmp_path / f"{name}.jsonl").write_text(rows, encoding="utf8")
    columns = {"text": "words", "label": "tags"} if kind == "tokens" else {}
    files = {name: str(tmp_path / f"{name}.jsonl") for name in ("data", "pool")}
    task = load_task(TaskSpec(**files, kind=kind, **columns))
    held = {question for name in ("validation", "test") for question in task.kind.questions(task.splits[name])}
    assert 30 < len(task.pool) < 60
    assert not held & set(task.kind.questions(task.pool))
    every = [*task.kind.inputs(task.train), *task.kind.inputs(task.pool)]
    assert list(task.kind.inputs(task.learnable)) == every
