"""Several labels of texts: how they are read, recognised, split off and measured."""

import json
from collections import Counter
from pathlib import Path

import datasets
import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given
from hypothesis import strategies as st

from autopeft.errors import DataError
from autopeft.tasks import TaskSpec, load_task
from autopeft.tasks.multilabel import METRICS, Labels, indicators
from autopeft.tasks.multilabel.strata import strata
from autopeft.tasks.splits import hold_out
from autopeft.tasks.texts import LabelledTexts
from autopeft.testing.tasks import TaskContract

GOEMOTIONS = Path(__file__).parents[3] / ".." / "shared" / "data" / "goemotions"
NAMES = ("joy", "love", "anger", "fear")


@given(st.integers(0, 10**6), st.integers(1, 20), st.integers(2, 6), st.floats(0, 1))
def test_metrics_are_sklearns_in_any_order(seed, texts, labels, share):
    rng = np.random.default_rng(seed)
    truth, told = rng.random((texts, labels)) < share, rng.random((texts, labels)) < share
    order = rng.permutation(texts)
    for name, metric in METRICS.items():
        expected = sklearn.metrics.f1_score(truth, told, average=name.removesuffix("_f1"), zero_division=0)
        assert metric(truth, told) == pytest.approx(expected, abs=1e-9)
        assert metric(truth[order], told[order]) == pytest.approx(expected, abs=1e-9)


def test_indicators_are_the_sets():
    assert indicators([(0, 2), (), (1,)], 3).astype(int).tolist() == [[1, 0, 1], [0, 0, 0], [0, 1, 0]]


def sets(rows, seed=0):
    """Return so many sets of names, some empty."""
    rng = np.random.default_rng(seed)
    return [[name for name in NAMES if rng.random() < 0.4] for _ in range(rows)]


def write(path, labels, column="label"):
    """Write rows as JSONL, with lists, or CSV, with text."""
    if path.suffix == ".jsonl":
        rows = [json.dumps({"text": f"text {n}", column: each}) for n, each in enumerate(labels)]
    else:
        rows = [f"text,{column}", *(f'text {n},"{each}"' for n, each in enumerate(labels))]
    path.write_text("\n".join(rows) + "\n")
    return str(path)


def named(task, split):
    return [[task.schema.labels[number] for number in each] for each in task.splits[split].labels]


class TestLists(TaskContract):
    @pytest.fixture(scope="class")
    def spec(self, tmp_path_factory):
        return TaskSpec(data=write(tmp_path_factory.mktemp("data") / "rows.jsonl", sets(300)))


def test_lists_are_recognised_and_an_empty_one_is_an_example(tmp_path):
    given = sets(300)
    task = load_task(TaskSpec(data=write(tmp_path / "a.jsonl", [*given, None])))
    assert (task.kind.name, task.schema, task.metric) == ("multilabel", Labels(tuple(sorted(NAMES))), "micro_f1")
    found = {
        text: names
        for split in task.splits
        for text, names in zip(task.splits[split].texts, named(task, split), strict=True)
    }
    assert found == {f"text {n}": sorted(each) for n, each in enumerate(given)}
    none = sum(not each for each in task.train.labels)
    assert none > 0
    lines = "\n".join(task.describe())
    assert f"none in {none}" in lines
    assert "1 row of 301 dropped, 'label' is empty" in lines
    assert "the labels of 'label' are lists" in lines
    assert "to take each combination as a class is `--kind classification`" in lines


@pytest.mark.parametrize("separator", [";", "|", ",", " / ", "+"])
def test_joined_names_are_the_lists(tmp_path, separator):
    given = [each or ["[]"] for each in sets(300)]
    lists = load_task(TaskSpec(data=write(tmp_path / "a.jsonl", sets(300))))
    seen = separator in (";", "|", ",")
    for said in (separator, *([None] if seen else [])):
        joined = write(tmp_path / "a.csv", [separator.join(each) for each in given])
        task = load_task(TaskSpec(data=joined, label_separator=said))
        assert task.kind.name == "multilabel"
        assert task.fingerprint == lists.fingerprint
        assert any(f"names joined by '{separator}'" in note for note in task.notes)


def test_written_lists_are_lists(tmp_path):
    lists = load_task(TaskSpec(data=write(tmp_path / "a.jsonl", sets(300))))
    task = load_task(TaskSpec(data=write(tmp_path / "b.csv", [str(each) for each in sets(300)])))
    assert task.fingerprint == lists.fingerprint


def test_numbers_that_a_source_names_are_its_names(tmp_path):
    names = datasets.ClassLabel(names=["joy", "anger", "love", "fear", "zeal"])
    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.List(names)})
    rows = {"text": [f"text {n}" for n in range(300)], "label": sets(300)}
    datasets.Dataset.from_dict(rows, features=features).save_to_disk(str(tmp_path / "saved"))
    task = load_task(TaskSpec(data=str(tmp_path / "saved")))
    assert task.schema.labels == ("joy", "anger", "love", "fear")
    lists = load_task(TaskSpec(data=write(tmp_path / "a.jsonl", sets(300))))
    assert [set(each) for each in named(task, "test")] == [set(each) for each in named(lists, "test")]


def test_combinations_are_classes_where_that_is_said(tmp_path):
    joined = write(tmp_path / "a.csv", [";".join(each) for each in sets(300)])
    task = load_task(TaskSpec(data=joined, kind="classification"))
    assert {"joy", "joy;love", "joy;love;anger;fear"} <= set(task.schema.labels)
    with pytest.raises(DataError, match=r"--label-separator is not for a task of classification"):
        load_task(TaskSpec(data=joined, kind="classification", label_separator=";"))


def test_blanks_around_names_and_names_given_twice_are_no_matter(tmp_path):
    plain = [["joy", "love"], ["joy"], ["love"], ["anger"]] * 30
    task = load_task(TaskSpec(data=write(tmp_path / "a.jsonl", plain)))
    odd = write(tmp_path / "b.csv", ["joy; love;joy;", " joy", "love ", "anger"] * 30)
    again = load_task(TaskSpec(data=odd, kind="multilabel"))
    assert again.fingerprint == task.fingerprint
    assert any("30 rows have a label twice" in note for note in again.notes)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [*["joy;love", "joy;anger", "love;anger", "joy", "love", "anger"] * 20, "joy,love"],
            r"line 122: the label column 'label' holds 'joy,love', whose parts are labels by themselves, while names "
            r"are joined by ';'.*--label-separator",
        ),
        ([*["joy;love", "joy"] * 40, " ; "], "line 82: .* holds ' ; ' and no name; write \\[\\] where"),
        (["[]"] * 80, "none of the 80 training rows has a label"),
        (["joy", "[]"] * 40, "the label 'joy' is the only one"),
        ([f"a{n};b{n}" for n in range(80)], "different labels in .* such as .*joined by another separator"),
    ],
)
def test_bad_names_are_one_message(tmp_path, rows, message):
    with pytest.raises(DataError, match=message):
        load_task(TaskSpec(data=write(tmp_path / "a.csv", rows), kind="multilabel"))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([["joy"]] * 40 + [["joy", 3]], r"line 41: .* holds a list with the number 3, \[\"joy\", 3\]; expected names"),
        ([[1, 2], [2], [3]] * 20, "line 1: .* holds a list with the number 1"),
        ([[{"a": 1}]] * 40, "line 1: .* holds a list with an object"),
        ([["joy", None]] * 40, "holds a list with nothing"),
        ([["joy", " "]] * 40, "holds a list with an empty name"),
        ([[["joy"]]] * 40, "holds a list with a list"),
        ([[]] * 80, "none of the 80 training rows has a label"),
        ([*[["joy"], []] * 20, {"a": 1}], "line 41: .* holds an object; expected a list of names"),
    ],
)
def test_bad_lists_are_one_message(tmp_path, rows, message):
    with pytest.raises(DataError, match=message):
        load_task(TaskSpec(data=write(tmp_path / "a.jsonl", rows)))


def test_labels_that_train_lacks_are_named(tmp_path):
    files = {name: write(tmp_path / f"{name}.jsonl", sets(60, n)) for n, name in enumerate(("train", "validation"))}
    test = write(tmp_path / "test.jsonl", [*sets(60, 2), ["pride"]])
    with pytest.raises(DataError, match=r"test has labels that train lacks: 'pride' \(1\)"):
        load_task(TaskSpec(data=files["train"], validation=files["validation"], test=test))


def test_rare_labels_are_named(tmp_path):
    rows = [*sets(300), *[["pride"]] * 12]
    task = load_task(TaskSpec(data=write(tmp_path / "a.jsonl", rows)))
    [note] = [note for note in task.notes if "fewer than 8" in note]
    counts = {name: sum("pride" in each for each in named(task, name)) for name in ("validation", "test")}
    few = f"'pride' (validation {counts['validation']}, test {counts['test']})"
    assert note == f"a label with fewer than 8 rows in a held-out split, hardly measured there: {few}"


def test_what_was_trained_knows_labels_by_its_own_numbers(tmp_path):
    task = load_task(TaskSpec(data=write(tmp_path / "a.jsonl", sets(300))))
    known = Labels(("zeal", *reversed(task.schema.labels)))
    seen = task.kind.known_as(task, known)
    assert [named(seen, split) for split in seen.splits] == [
        [sorted(each, key=known.labels.index) for each in named(task, split)] for split in task.splits
    ]
    with pytest.raises(DataError, match="do not know 'anger'"):
        task.kind.known_as(task, Labels(("joy", "love")))


@given(
    st.lists(st.tuples(st.integers(0, 30), st.sets(st.integers(0, 6), max_size=3)), min_size=24, max_size=60),
    st.integers(0, 9),
)
def test_no_label_is_lost_to_train(rows, seed):
    """Whatever is split off, train has each label, and equal texts stay together."""
    texts, having = (
        [f"text {text}" for text, _ in rows],
        [[str(label) for label in sorted(labels)] for _, labels in rows],
    )
    parts = hold_out(LabelledTexts(texts, having), texts, strata(texts, having), ["validation", "test"], seed)
    learned = Counter(label for each in parts["train"].labels for label in each)
    assert learned.keys() == {label for each in having for label in each}
    assert sum(len(part) for part in parts.values()) == len(rows)
    for name, part in parts.items():
        others = {text for other, each in parts.items() if other != name for text in each.texts}
        assert not others & set(part.texts)


def test_groups_stay_together(tmp_path):
    path = tmp_path / "a.jsonl"
    rows = [{"text": f"text {n}", "label": each, "who": n % 40} for n, each in enumerate(sets(400))]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    task = load_task(TaskSpec(data=str(path), group="who"))
    who = {split: {int(text.split()[1]) % 40 for text in part.texts} for split, part in task.splits.items()}
    assert not who["train"] & who["test"]
    assert not who["train"] & who["validation"]


@pytest.mark.skipif(not GOEMOTIONS.is_dir(), reason="../shared/data/goemotions is not here")
def test_goemotions_is_recognised():
    task = load_task(TaskSpec(data=str(GOEMOTIONS), label="labels"))
    assert (task.kind.name, len(task.schema.labels), len(task.train)) == ("multilabel", 28, 12_000)
    assert any("'grief' (validation 9, test 1)" in note for note in task.notes)
