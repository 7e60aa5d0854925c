"""What stands beside training rows stays with them: through splits, dropped rows and duplicates."""

import csv
import json
from dataclasses import replace

import pytest

from autopeft.errors import DataError
from autopeft.tasks import KINDS, TaskSpec, load_task, texts_beside
from autopeft.tasks.causal.split import CausalSplit
from autopeft.tasks.causal.turns import Turn


def table(path, rows):
    with path.open("w", newline="", encoding="utf8") as file:
        writer = csv.DictWriter(file, ["text", "label", "fails"])
        writer.writeheader()
        writer.writerows(rows)
    return path


def rows_of(count=120):
    """Every fifth text is that of the row before, every seventh row has no label, and each row says which it is."""
    found = []
    for number in range(count):
        known = found[-1]["text"] if number % 5 == 4 else f"text {number}"
        found.append({"text": known, "label": "" if number % 7 == 6 else "ab"[number % 2], "fails": number})
    return found


@pytest.mark.parametrize("drop_duplicates", [False, True])
def test_values_stay_with_their_rows(tmp_path, drop_duplicates):
    rows = rows_of()
    data = table(tmp_path / "data.csv", rows)
    spec = TaskSpec(data=str(data), beside=["fails"], drop_duplicates=drop_duplicates)
    task = load_task(spec)
    values = [int(value) for value in task.beside["fails"]]
    assert len(values) == len(task.train) == len(set(values))
    assert values == sorted(values)
    for value, text, label in zip(values, task.train.texts, task.train.labels, strict=True):
        assert (text, "ab"[label]) == (rows[value]["text"], rows[value]["label"])
    plain = load_task(TaskSpec(data=str(data), drop_duplicates=drop_duplicates))
    assert plain.train == task.train
    assert ("fails" in plain.intake["train"].unused, "fails" in task.intake["train"].unused) == (True, False)
    assert plain.fingerprint != task.fingerprint


def test_examples_for_decoders_know_their_rows(tmp_path):
    path = tmp_path / "data.jsonl"
    rows = [{"prompt": f"q {number % 30}", "completion": f" a {number}", "fails": number} for number in range(80)]
    rows[5]["completion"] = ""
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf8")
    task = load_task(TaskSpec(data=str(path), beside=("fails",)))
    for value, example in zip(task.beside["fails"], task.train.examples, strict=True):
        assert example[-1].content.strip() == rows[value]["completion"].strip()
    questions = list(task.kind.questions(task.train))
    assert len(set(questions)) < len(questions)


def test_pairs_know_their_rows_and_share_their_questions(tmp_path):
    path = tmp_path / "data.jsonl"
    rows = [
        {"prompt": f"q {number % 30}", "chosen": f" a {number}", "rejected": f" b {number}", "fails": number}
        for number in range(80)
    ]
    rows[5]["rejected"] = rows[5]["chosen"]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf8")
    task = load_task(TaskSpec(data=str(path), beside=("fails",)))
    assert task.kind.name == "preference"
    for value, pair in zip(task.beside["fails"], task.train.pairs, strict=True):
        assert pair.chosen[-1].content.strip() == rows[value]["chosen"].strip()
    asked = [rows[value]["prompt"] for value in task.beside["fails"]]
    questions = list(task.kind.questions(task.train))
    assert [questions.index(each) for each in questions] == [asked.index(each) for each in asked]


@pytest.mark.parametrize("column", ["text", "label"])
def test_what_the_task_reads_does_not_stand_beside(tmp_path, column):
    """A label in place of a text would tell what is asked."""
    data = table(tmp_path / "data.csv", rows_of())
    with pytest.raises(DataError, match=f"goes by the column '{column}', which the task itself reads"):
        load_task(TaskSpec(data=str(data), beside=(column,)))


def test_some_training_examples_keep_their_own(tmp_path):
    task = load_task(TaskSpec(data=str(table(tmp_path / "data.csv", rows_of())), beside=("fails",)))
    few = task.learning([3, 5])
    assert few.beside["fails"] == [task.beside["fails"][3], task.beside["fails"][5]]
    assert few.train.texts == [task.train.texts[3], task.train.texts[5]]


def test_a_column_that_is_not_there_is_named(tmp_path):
    data = table(tmp_path / "data.csv", rows_of())
    with pytest.raises(DataError, match="no column 'fail_rate', by which the space goes; found: text, label, fails"):
        load_task(TaskSpec(data=str(data), beside=("fail_rate",)))


def test_a_packaged_task_has_none():
    with pytest.raises(DataError, match="packaged and has no columns beside"):
        load_task(TaskSpec(name="icd10-chapters", beside=("fail_rate",)))


def judged(number, **further):
    """Return a row: three documents for each query, the second of which holds the query in other words, if any does."""
    asked = number // 3
    told = {"query": f"what of {asked}", "document": f"a story of {number}", "relevance": int(number % 3 == 0)}
    return {**told, "rewritten": f"tell of {asked}" if number % 3 == 1 and asked % 2 == 0 else None, **further}


def test_queries_have_what_any_of_their_rows_holds(tmp_path):
    path = tmp_path / "data.jsonl"
    path.write_text("\n".join(json.dumps(judged(number)) for number in range(180)), encoding="utf8")
    spec = TaskSpec(data=str(path), kind="rerank", beside=("rewritten",))
    task = load_task(spec)
    cells = texts_beside(task, "rewritten")
    assert {cell is None for cell in cells} == {True, False}
    for query, cell in zip(task.train.queries, cells, strict=True):
        asked = int(query.text.rpartition(" ")[2])
        assert cell == (f"tell of {asked}" if asked % 2 == 0 else None)
    changed = task.kind.with_column(task.train, cells)
    for before, after, cell in zip(task.train.queries, changed.queries, cells, strict=True):
        assert after.text == (before.text if cell is None else cell)
        assert replace(after, text=before.text) == before


def test_held_out_rows_are_not_asked_for_further_columns(tmp_path):
    """Lists where texts stand for training rows: nobody reads them."""
    files = {}
    for split, rows in {"train": range(90), "validation": range(90, 150), "test": range(150, 210)}.items():
        further = {} if split == "train" else {"rewritten": ["no", "text"]}
        files[split] = tmp_path / f"{split}.jsonl"
        files[split].write_text("\n".join(json.dumps(judged(number, **further)) for number in rows), encoding="utf8")
    spec = TaskSpec(data=str(tmp_path), kind="rerank")
    plain, beside = load_task(spec), load_task(replace(spec, beside=("rewritten",)))
    assert (beside.validation, beside.test) == (plain.validation, plain.test)
    assert any(texts_beside(beside, "rewritten"))


ANSWERED = (
    Turn("user", "2 + 2"),
    Turn("assistant", "4"),
    Turn("user", "sure?"),
    Turn("assistant", "yes", skipped=True),
)


@pytest.mark.parametrize(
    ("example", "expected"),
    [
        ((Turn("user", "2 + 2"), Turn("assistant", " 4")), (Turn("user", "2 + 2"), Turn("assistant", " so 4"))),
        ((Turn("assistant", "all of it"),), (Turn("assistant", " so 4"),)),
        (ANSWERED, (ANSWERED[0], Turn("assistant", " so 4"), *ANSWERED[2:])),
    ],
    ids=["completion", "plain", "conversation"],
)
def test_the_last_answer_that_is_learned_is_another(example, expected):
    split = CausalSplit([example, example])
    assert KINDS["causal"].with_column(split, [None, " so 4"]).examples == [example, expected]


def test_blanks_of_answers_stay(tmp_path):
    path = tmp_path / "data.jsonl"
    rows = [{"prompt": f"q {number}", "completion": " a", "steps": f"\n so {number}"} for number in range(60)]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf8")
    assert texts_beside(load_task(TaskSpec(data=str(path), beside=("steps",))), "steps")[0].startswith("\n so ")
