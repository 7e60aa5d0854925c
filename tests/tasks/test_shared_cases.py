"""Inputs that people have had: the right rows and labels, or the right message."""

from collections import Counter
from pathlib import Path

import pytest

from autopeft.errors import DataError
from autopeft.tasks import TaskSpec, load_task

CASES = Path(__file__).parents[2].parent / "shared" / "cases"
pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason=f"no inputs in {CASES}")


def load(name, **columns):
    return load_task(TaskSpec.of(data=str(CASES / name), **columns))


def account(task):
    """Return the rows there are, those used, and the examples of all splits."""
    examples = sum(len(split) for split in task.splits.values())
    return task.intake["train"].rows, task.intake["train"].used, examples


@pytest.mark.parametrize(
    ("name", "columns", "rows", "labels", "said"),
    [
        ("stray-quote.csv", {}, (200, 200, 200), {"negative", "positive"}, "line 61 has one that nothing closes"),
        (
            "semicolon.csv",
            {"text": "Review Text", "label": "Label"},
            (160, 160, 160),
            {"good", "bad"},
            "separated by semicolons",
        ),
        ("lone-surrogate.jsonl", {}, (160, 160, 160), {"happy", "sad"}, "in 3 rows (lines 41, 81, 121)"),
        ("mixed-types.jsonl", {}, (160, 145, 145), {"0", "1"}, "10 rows of 160 dropped, 'text' is empty"),
        (
            "label-names.csv",
            {"text": "message", "label": "issue type"},
            (240, 240, 240),
            {"n/a", "null", "yes, please", "Überfällig 🔥", "two\nlines", "<b>|pipe|</b>"},
            "40 rows go over several lines",
        ),
        ("saved-to-disk", {}, (160, 160, 160), {"calm", "angry"}, "validation and test split off"),
        ("plain.csv", {}, (240, 240, 240), {"positive", "negative"}, "validation and test split off"),
    ],
)
def test_all_rows_are_used_or_named(name, columns, rows, labels, said):
    task = load(name, **columns)
    assert account(task) == rows
    assert set(task.schema.labels) == labels
    assert any(said in line for line in task.describe())


def test_a_scale_is_learned_as_numbers():
    columns = {"text": "sentence1", "text2": "sentence2", "label": "score"}
    task = load("scores.csv", **columns)
    assert task.kind.name == "regression"
    assert account(task) == (260, 260, 260)
    assert "0 to 5" in task.describe()[1]
    assert len(load("scores.csv", **columns, kind="classification").schema.labels) == 26


def test_several_labels_a_row_are_learned_as_such():
    task = load("several-labels.jsonl", label="labels")
    assert task.kind.name == "multilabel"
    assert any(len(labels) > 1 for labels in task.train.labels)
    with pytest.raises(
        DataError, match=r"several-labels\.jsonl', line 1: .*several labels a row are --kind multilabel"
    ):
        load("several-labels.jsonl", label="labels", kind="classification")


def test_a_rare_class_is_named_with_what_to_do():
    with pytest.raises(DataError, match=r"too few rows of 'fraud' \(2 rows\) .* add rows of it, merge it"):
        load("rare-class.csv")


def test_each_text_stands_beside_the_label_it_had():
    with (CASES / "stray-quote.csv").open(encoding="utf8") as stream:
        lines = stream.read().splitlines()[1:]
    task = load("stray-quote.csv")
    found = Counter(
        f"{text},{task.schema.labels[label]}"
        for split in task.splits.values()
        for text, label in zip(split.texts, split.labels, strict=True)
    )
    assert found == Counter(lines)
