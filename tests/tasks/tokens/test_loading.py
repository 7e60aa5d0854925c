"""What data is taken for sentences with tags, how it is split, and what is refused."""

import json

import datasets
import pytest

from autopeft.errors import DataError
from autopeft.tasks import TaskSpec, load_task, overview
from autopeft.tasks.tables import Table
from tests.trials.tokens.data import write_conll


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def tagged(count=60, words="tokens", tags="tags", tag="B-thing", repeat=1):
    """Return rows of three words, of which the second has a tag in two of three."""
    rows = [{words: ["a", f"w{n}", "."], tags: ["O", tag if n % 3 else "O", "O"]} for n in range(count)]
    return [row for row in rows for _ in range(repeat)]


def load(path, **spec):
    return load_task(TaskSpec(data=str(path), **spec))


@pytest.fixture
def file(tmp_path):
    return tmp_path / "rows.jsonl"


@pytest.mark.parametrize(
    ("columns", "named"),
    [
        (("tokens", "tags"), {}),
        (("tokens", "ner_tags"), {}),
        (("words", "pos"), {"text": "words", "label": "pos"}),
        (("text", "label"), {"text": "text", "label": "label"}),
        (("tokens", "tags"), {"text": "tokens", "label": "tags"}),
    ],
)
def test_lists_of_words_and_tags_are_recognised(columns, named, file):
    task = load(write(file, tagged(60, *columns)), **named)
    assert (task.kind.name, task.metric, task.schema.columns) == ("tokens", "entity_f1", columns[:1])
    assert task.schema.labels == ("O", "B-thing")


def test_texts_are_not_taken_for_lists(file):
    task = load(
        write(file, [{"tokens": f"good {n}", "tags": "ab"[n % 2]} for n in range(80)]), text="tokens", label="tags"
    )
    assert task.kind.name == "classification"


def test_what_may_be_two_kinds_is_refused_naming_both(file):
    rows = [{**row, "text": f"a {n}", "label": "yn"[n % 2]} for n, row in enumerate(tagged(80))]
    with pytest.raises(DataError, match=r"--kind classification.*--kind tokens"):
        load(write(file, rows))
    assert load(file, kind="tokens").kind.name == "tokens"


def test_names_of_numbers_are_taken_from_where_they_stand(tmp_path):
    names = ["O", "B-x", "I-x", "B-never"]
    features = datasets.Features(
        {"tokens": datasets.List(datasets.Value("string")), "ner_tags": datasets.List(datasets.ClassLabel(names=names))}
    )
    rows = {"tokens": [["a", f"w{n}"] for n in range(60)], "ner_tags": [[0, n % 3] for n in range(60)]}
    datasets.Dataset.from_dict(rows, features=features).to_parquet(str(tmp_path / "named.parquet"))
    assert load(tmp_path / "named.parquet").schema.labels == ("O", "B-x", "I-x")
    datasets.Dataset.from_dict(rows).to_parquet(str(tmp_path / "bare.parquet"))
    bare = load(tmp_path / "bare.parquet")
    assert (bare.schema.labels, bare.metric) == (("0", "1", "2"), "token_accuracy")


def test_tags_without_prefixes_are_judged_by_words_and_that_is_said(file):
    task = load(write(file, tagged(tag="NOUN")))
    assert task.metric == "token_accuracy"
    assert any("no prefixes such as B- and I-" in note for note in task.notes)
    assert overview(task)["labels"]["NOUN"]["train"] == sum("NOUN" in line for line in map(str, named_tags(task)))


def named_tags(task):
    return [[task.schema.labels[tag] for tag in tags] for tags in task.train.tags]


def test_equal_sentences_stay_on_one_side_and_each_type_is_in_each_split(tmp_path):
    rows = [
        {"tokens": ["a", f"w{n}"], "tags": ["O", ["O", "B-x", "B-y", "B-rare"][3 if n % 12 == 0 else n % 3]]}
        for n in range(240)
        for _ in range(2)
    ]
    task = load(write(tmp_path / "rows.jsonl", rows))
    words = [set(split.words) for split in task.splits.values()]
    assert sum(map(len, words)) == len(set.union(*words)) == 240
    assert all(count > 0 for counts in overview(task)["labels"].values() for count in counts.values())
    assert load(tmp_path / "rows.jsonl").fingerprint == task.fingerprint
    assert load(tmp_path / "rows.jsonl", seed=1).fingerprint != task.fingerprint


def test_rows_without_words_or_tags_are_counted(file):
    rows = [*tagged(60), {"tokens": [], "tags": []}, {"tokens": ["a"], "tags": None}, {"tokens": ["a"], "tags": [None]}]
    intake = load(write(file, rows)).intake["train"]
    assert (intake.rows, intake.used) == (63, 60)
    assert {reason: len(places) for reason, places in intake.drops.items()} == {
        "'tokens' is empty": 1,
        "'tags' is empty": 1,
        "'tags' names nothing": 1,
    }


def test_tags_that_only_held_out_sentences_have_are_measured_and_said(tmp_path):
    write(tmp_path / "train.jsonl", tagged(40))
    write(tmp_path / "validation.jsonl", tagged(20))
    write(tmp_path / "test.jsonl", [{"tokens": ["z", f"t{n}"], "tags": ["B-thing", "I-new"]} for n in range(20)])
    task = load(tmp_path)
    assert "I-new" in task.schema.labels
    assert "not in train, and so not learned, but measured: 'I-new' (20 words)" in task.notes


def test_what_is_common_suggests_another_metric(file):
    write(file, tagged(60))
    assert "--metric entity_f1 says more" in load(file, metric="token_accuracy").describe()[1]
    assert "says more" not in load(file).describe()[1]


def test_an_example_is_shown_with_its_entities(tmp_path):
    task = load(write_conll(tmp_path / "rows.conll"))
    found = overview(task)
    example = next(each for each in found["examples"] if "organ" in each["label"])
    word = example["tokens"][example["tags"].index("B-organ")]
    assert f"{word}" in example["label"]
    assert set(found["labels"]) == {"number", "organ"}


def bad(rows):
    return [*tagged(40), *rows]


@pytest.mark.parametrize(
    ("rows", "spec", "message"),
    [
        (
            bad([{"tokens": ["a", "b"], "tags": ["O"]}]),
            {},
            "line 41: found 2 in 'tokens' and 1 in 'tags'; expected one tag for each word",
        ),
        (bad([{"tokens": ["a"], "tags": ["O", "O"]}]), {}, "line 41: found 1 in 'tokens' and 2 in 'tags'"),
        (bad([{"tokens": "a b", "tags": ["O"]}]), {}, "line 41: 'tokens' holds a text; expected a list"),
        (bad([{"tokens": ["a"], "tags": "O"}]), {}, "line 41: 'tags' holds a text; expected a list"),
        (bad([{"tokens": ["a"], "tags": [""]}]), {}, "line 41: 'tags': tag 1 is empty"),
        (bad([{"tokens": ["a", "b"], "tags": ["O", None]}]), {}, "line 41: 'tags': tag 2 is nothing"),
        (bad([{"tokens": [["a"]], "tags": ["O"]}]), {}, "line 41: 'tokens': word 1 is a list; expected text"),
        (bad([{"tokens": ["a"], "tags": ["PER"]}]), {}, "found the tag 'PER' beside 'B-thing'"),
        (tagged(tag="X-PER"), {}, "found the tag 'X-PER', and entity_f1 needs"),
        (tagged(tag="NOUN"), {"metric": "entity_f1"}, "found the tag 'NOUN'"),
        (tagged(tag="O"), {}, "there is no entity in it: all words have the tag 'O'"),
        (tagged(12), {}, "expected at least"),
        (tagged(), {"metric": "f1"}, "unknown metric 'f1' of a task of tokens"),
        (tagged(), {"kind": "tokens", "label": "pos"}, "no column 'pos'.*Name the column of the words by --text"),
        ([{"tokens": [f"w{n}"], "tags": [f"t{n}"]} for n in range(60)], {}, "different tags for the"),
    ],
)
def test_what_cannot_be_used_is_one_message(rows, spec, message, file):
    with pytest.raises(DataError, match=message):
        load(write(file, rows), **spec)


def test_given_splits_without_an_entity_are_refused(tmp_path):
    write(tmp_path / "train.jsonl", tagged(40))
    write(tmp_path / "validation.jsonl", tagged(20))
    write(tmp_path / "test.jsonl", [{"tokens": [f"t{n}"], "tags": ["O"]} for n in range(20)])
    with pytest.raises(DataError, match="no entity in the 20 sentences of test"):
        load(tmp_path)


def test_something_trained_knows_tags_by_its_own_numbers(file):
    task = load(write(file, tagged()))
    known = type(task.schema)(("B-other", "B-thing", "O"))
    seen = task.kind.known_as(task, known)
    assert named_tags(seen) == named_tags(task)
    assert seen.schema.labels == known.labels
    with pytest.raises(DataError, match="do not know 'B-thing', tags of rows; they know 'O', 'I-thing'"):
        task.kind.known_as(task, type(task.schema)(("O", "I-thing")))


def test_rows_to_be_predicted_are_lists_or_texts(file):
    task = load(write(file, tagged()))
    rows = [("row 1", {"tokens": ["a", "b c"]}), ("row 2", {"tokens": "Ada  lived\nhere"}), ("row 3", {"tokens": ""})]
    split, numbers, intake = task.kind.unlabelled(task.schema, Table("f", ("tokens",), rows))
    assert split.words == [("a", "b c"), ("Ada", "lived", "here")]
    assert numbers == [0, 1]
    assert dict(intake.drops) == {"'tokens' is empty": ("row 3",)}
    assert dict(intake.remarks) == {"a text, taken as the words between its blanks": ("row 2",)}
    assert task.kind.rows_of(task.schema, ["a b", ["a", "b"]]) == [{"tokens": "a b"}, {"tokens": ["a", "b"]}]
    with pytest.raises(DataError, match="found the number 3 as input 2"):
        task.kind.rows_of(task.schema, ["a", 3])
