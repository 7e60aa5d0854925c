"""What stands beside training rows stays with them: through splits, dropped rows and duplicates."""

import csv
import json

import pytest

from autopeft.errors import DataError
from autopeft.tasks import TaskSpec, load_task


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
