"""`autopeft predict`: a folder alone says the labels of rows, or answers them."""

import csv
import io
import json
from contextlib import chdir, redirect_stdout

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import autopeft
from autopeft.backbones import load_backbone, load_decoder
from autopeft.cli import app
from autopeft.errors import AutopeftError, DataError
from autopeft.methods import VOCABULARY
from autopeft.saved import open_saved
from autopeft.space import canonical
from autopeft.tasks import LabelledTexts, pad_id_of
from autopeft.tasks.causal import FORMATS, Causal, CausalSplit, Turn, ask, stop_strings
from autopeft.tasks.classification import Classes, Classification
from autopeft.tasks.tables import read_source
from autopeft.testing.decoders import CHAT_TEMPLATE, tiny_decoder
from autopeft.testing.models import TEXTS, tiny_backbone
from autopeft.testing.tasks import task_of
from autopeft.training import add_merged, check_output, fine_tune, write_predictions
from autopeft.trials import TrialSetting
from autopeft.trials.causal.generation import generate_all
from tests.saved.run_cards import code_of
from tests.saved.test_cards import ours, saved

LORA = {"modules": {"lora": {"rank": 2}}, "training": {"learning_rate": 2e-2}}
SETTING = TrialSetting(examples=96, validation_examples=64, epochs=4.0, batch_size=8, max_length=12)
LABELS = ("bad, sad", "good\n|happy|")


def texts_and_labels(count, seed):
    rng = np.random.default_rng(seed)
    labels = [int(label) for label in rng.integers(0, 2, count)]
    said = ("bad sad", "good happy")
    texts = [" ".join([*rng.choice(["film", "story", "of"], rng.integers(1, 5)), said[label]]) for label in labels]
    return texts, labels


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("predict")
    backbone = load_backbone(tiny_backbone("gpt2", folder))
    splits = [LabelledTexts(*texts_and_labels(count, seed)) for seed, count in enumerate((96, 64, 64))]
    task = task_of(Classification(), Classes(LABELS, columns=("review",)), *splits)
    configuration = canonical(LORA, VOCABULARY, backbone.shape)
    found = fine_tune(configuration, backbone, task, SETTING, folder / "out")
    assert found.test["accuracy"] > 0.8
    add_merged(configuration, backbone, task, SETTING, 0, found)
    return folder


@pytest.fixture(autouse=True)
def here(place, monkeypatch):
    monkeypatch.chdir(place)


def invoke(*words):
    done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_what_evaluate_counts_is_what_predict_says_merged_or_not(place):
    # Enough rows that evaluate finds three splits of 200, the last of which is measured.
    parts = {"train": texts_and_labels(96, 7), "validation": texts_and_labels(96, 8), "test": texts_and_labels(200, 9)}
    for name, (texts, labels) in parts.items():
        with (place / f"{name}.csv").open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["review", "is"])
            rows.writerows([text, LABELS[label]] for text, label in zip(texts, labels, strict=True))
    words = ("--data", "train.csv", "--text", "review", "--label", "is", "--validation", "validation.csv")
    found = json.loads(invoke("evaluate", "out", *words, "--test", "test.csv", "--json"))
    invoke("predict", "out", "test.csv", "-o", "said.csv")
    invoke("predict", "out/merged", "test.csv", "-o", "merged.jsonl")
    with (place / "said.csv").open(newline="") as file:
        said = list(csv.DictReader(file))
    merged = [json.loads(line) for line in (place / "merged.jsonl").read_text().splitlines()]
    assert [row["review"] for row in said] == parts["test"][0]
    assert [row["predicted"] for row in said] == [row["predicted"] for row in merged]
    shares = [row["probability"] for row in merged]
    assert [float(row["probability"]) for row in said] == pytest.approx(shares, abs=1e-4)
    counts = [[0, 0], [0, 0]]
    for row in said:
        counts[LABELS.index(row["is"])][LABELS.index(row["predicted"])] += 1
    assert counts == found["confusion"]
    assert min(map(max, counts)) > 50
    assert [one["support"] for one in found["labels"]] == [sum(row) for row in counts]
    assert found["labels"][0]["recall"] == pytest.approx(counts[0][0] / sum(counts[0]))
    assert found["labels"][1]["precision"] == pytest.approx(counts[1][1] / (counts[0][1] + counts[1][1]))
    seen = set(texts_and_labels(96, 0)[0])
    assert found["trained_on"] == sum(text in seen for text in parts["test"][0]) > 0


def test_labels_that_data_lacks_keep_their_numbers(place):
    texts, labels = texts_and_labels(96, 3)
    rows = [{"text": text, "label": LABELS[n] if n else "other"} for text, n in zip(texts, labels, strict=True)]
    (place / "one.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(DataError, match="do not know 'other', labels of one; they know 'bad, sad'"):
        autopeft.evaluate("out", data="one.jsonl")


def test_rows_come_back_in_their_order_and_what_cannot_be_read_is_said(place):
    (place / "new.csv").write_text('id,review\n7,"film good\nhappy"\n8,\n9,film bad sad\n')
    done = CliRunner().invoke(app, ["predict", "out", "new.csv", "-o", "new.tsv"], catch_exceptions=False)
    assert "1 row has no prediction: 'review' is empty (line 4)" in done.stderr
    with (place / "new.tsv").open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert [row["id"] for row in rows] == ["7", "8", "9"]
    assert [row["predicted"] for row in rows] == [LABELS[1], "", LABELS[0]]
    found = autopeft.predict("out", file="new.csv")
    assert [row and row.text for row in found.rows] == [LABELS[1], None, LABELS[0]]
    assert sum(found.rows[0].probabilities.values()) == pytest.approx(1)
    shown = invoke("predict", "out", "-i", "film good happy").splitlines()
    assert [float(line.split()[0]) for line in shown if line[:2] in ("0.", "1.")] == pytest.approx(
        list(found.rows[0].probabilities.values()), abs=1e-4
    )


def test_columns_are_those_of_the_training_data_unless_said(place):
    (place / "other.csv").write_text("words,review\nfilm bad sad,film good happy\n")
    assert autopeft.predict("out", file="other.csv").rows[0].text == LABELS[1]
    assert autopeft.predict("out", file="other.csv", columns={"text": "words"}).rows[0].text == LABELS[0]
    long = autopeft.predict("out", "film " * 40)
    assert len(long.rows) == 1
    assert "1 of 1 texts cut at 12 tokens, as in training" in long.notes
    # The first line is a row as likely as a name.
    (place / "alone.csv").write_text("good happy film\nbad sad film\n")
    with pytest.raises(DataError, match="has no column 'review'; found: good happy film"):
        autopeft.predict("out", file="alone.csv")


@pytest.mark.parametrize("held", ["structs", "bytes"])
@pytest.mark.parametrize("ending", [".csv", ".jsonl"])
def test_files_in_cells_are_written_by_their_names(tmp_path, held, ending):
    structs = [{"bytes": b"\xff", "path": "cat.png"}, {"bytes": b"\xfe", "path": None}]
    cells = structs if held == "structs" else [b"\xff", b"\xfe"]
    pq.write_table(pa.table({"image": cells, "note": ["a", "b"]}), tmp_path / "rows.parquet")
    [table] = read_source(tmp_path / "rows.parquet", ["image"]).values()
    file = tmp_path / f"said{ending}"
    check_output(file, table, ["image"])
    write_predictions(table, [None, None], file)
    lines = file.read_text().splitlines()
    rows = list(map(json.loads, lines)) if ending == ".jsonl" else list(csv.DictReader(lines))
    assert [row["image"] for row in rows] == ["cat.png" if held == "structs" else "row 1", "row 2"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "expected texts or a file to predict, and not both"),
        (["new.csv", "-i", "a"], "expected texts or a file to predict, and not both"),
        (["nowhere.csv"], "data file 'nowhere.csv' was not found"),
        (["new.csv", "--text", "nope"], "has no column 'nope'; found: id, review"),
        (["-i", "a", "--input2", "b"], "reads single texts; found 2 texts as input 1"),
        (["-i", "a", "-i", "b", "--input2", "b"], "found 2 --input and 1 --input2"),
        (["new.csv", "-o", "said.parquet"], "expected a name that ends in one of: .csv, .tsv, .jsonl"),
        (["new.csv", "-o", "no/said.csv"], "cannot write no/said.csv: No such file or directory"),
        (["said.csv", "-o", "again.csv"], "has a column 'predicted' already"),
        (["-i", "a", "--max-new-tokens", "3"], "classifies texts and writes no answers"),
        (["-i", " "], "none of the 1 rows of 'the input' can be read: 'review' is empty (input 1)"),
        (["new.csv", "--prompt", "review"], "found --prompt; what was trained reads columns named by --text"),
        (["twice.csv", "-o", "again.csv"], "has several columns called 'note', of which one would be written"),
        (["bytes.parquet", "-o", "again.csv"], "'raw' holds bytes, which cannot be written"),
        (["new.csv", "-o", f"{'x' * 300}.csv"], "File name too long"),
        (["-i", "a", "--model", "nowhere/at/all"], "model folder nowhere/at/all does not exist"),
    ],
)
def test_what_cannot_be_predicted_is_said(place, words, message):
    (place / "new.csv").write_text("id,review\n7,good\n")
    (place / "said.csv").write_text("review,predicted\na,b\n")
    (place / "twice.csv").write_text("note,note,review\nkeep,me,good\n")
    pq.write_table(pa.table({"review": ["good"], "raw": [b"\x00\xff"]}), place / "bytes.parquet")
    with pytest.raises(AutopeftError) as error:
        CliRunner().invoke(app, ["predict", "out", *words], catch_exceptions=False)
    assert message in str(error.value)
    assert not (place / "again.csv").exists()


@pytest.mark.parametrize("how", FORMATS, ids=lambda how: "-".join((how.name, *how.columns)))
def test_decoders_answer_every_form_of_rows(tmp_path, how):
    form = how.name
    template = CHAT_TEMPLATE if form == "messages" else None
    backbone = load_decoder(tiny_decoder("llama", tmp_path, template=template))
    # Where nothing is written between the two, the answer's first word shall not be one with the prompt's last.
    answer = " good happy" if form == "prompt" else "good happy"
    turns = [(Turn("user", TEXTS[n]), Turn("assistant", answer)) for n in range(4)]
    if form == "text":
        turns = [(Turn("assistant", text),) for text in TEXTS[:4]]
    choices = [("film", "good happy", "sad")] * 4 if form == "choices" else None
    split = CausalSplit(turns, choices)
    task = task_of(Causal(), how, split)
    folder = saved(canonical(LORA, VOCABULARY, backbone.shape), backbone, task, tmp_path / "out")
    rows = [_row(how, number) for number in range(4)]
    (tmp_path / "asked.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = autopeft.predict(folder, file=tmp_path / "asked.jsonl", output=tmp_path / "said.jsonl")
    answers = [row.text for row in found.rows]
    written = [json.loads(line) for line in (tmp_path / "said.jsonl").read_text().splitlines()]
    assert [row["predicted"] for row in written] == answers
    assert found.file == tmp_path / "said.jsonl"
    assert [{key: row[key] for key in rows[0]} for row in written] == rows
    if form == "choices":
        assert set(answers) <= set(choices[0])
        with pytest.raises(AutopeftError, match="chooses among choices, which a text has none of"):
            autopeft.predict(folder, ["What?"])
        return
    # As trials ask with the true answers at hand, which must make no difference.
    opened = open_saved(folder)
    asked = [question.prompt for question in ask(split, how, opened.ready.tokenizer)]
    if form == "text":
        asked = [opened.ready.tokenizer(text)["input_ids"] for text in TEXTS[:4]]
    ends = {"ends": opened.ready.how["ends"], "stops": stop_strings(how, opened.ready.tokenizer)}
    cap = opened.use.how["max_new_tokens"]
    how_far = {"cap": cap, "pad_id": pad_id_of(opened.ready.tokenizer), "precision": "fp32"}
    written = generate_all(opened.ready.model, asked, opened.ready.tokenizer, **ends, **how_far)
    assert answers == [text for [text] in written]
    # What so small a model makes of a problem may be nothing but its end.
    assert any(answers) or form == "problem"
    assert autopeft.predict(folder, TEXTS[:4]).rows == found.rows
    assert all(len(row.text.split()) <= 1 for row in autopeft.predict(folder, TEXTS[:4], max_new_tokens=1).rows)


def _row(how, number):
    """Return a row of a form that is to be answered: an answer that is there is not read."""
    if how.name == "messages":
        said = [{"role": "user", "content": TEXTS[number]}, {"role": "assistant", "content": TEXTS[4]}]
        return {"messages": said[: 1 + number % 2]}
    if how.name == "choices":
        return {"question": TEXTS[number], "choices": ["film", "good happy", "sad"]}
    return {how.columns[0]: TEXTS[number]}


def test_a_long_prompt_cuts_no_other_answer_short(tmp_path):
    backbone = load_decoder(tiny_decoder("gpt2", tmp_path))
    how = next(each for each in FORMATS if each.name == "question")
    turns = [(Turn("user", TEXTS[0]), Turn("assistant", " ".join(TEXTS[1:3])))] * 4
    split = CausalSplit(turns)
    task = task_of(Causal(), how, split)
    folder = saved(canonical(LORA, VOCABULARY, backbone.shape), backbone, task, tmp_path / "out")
    # Of 130 positions one prompt leaves a few, one none.
    asked = [TEXTS[0], " ".join(["film"] * 118), " ".join(["film"] * 200)]
    found = autopeft.predict(folder, asked)
    assert found.rows[0] == autopeft.predict(folder, asked[:1]).rows[0]
    assert len(found.rows[1].text.split()) < 16
    assert found.rows[2] is None
    assert any("1 row has no prediction: it is empty, or longer than the model reads" in note for note in found.notes)


def test_pairs_are_read_as_pairs(tmp_path):
    backbone = load_backbone(tiny_backbone("bert", tmp_path))
    pairs = [(TEXTS[n % 6], TEXTS[(n + 1) % 6]) for n in range(16)]
    split = LabelledTexts(pairs, [n % 2 for n in range(16)])
    task = task_of(Classification(), Classes(LABELS, columns=("premise", "hypothesis")), split)
    folder = saved(canonical(LORA, VOCABULARY, backbone.shape), backbone, task, tmp_path / "out", merge=True)
    found = autopeft.predict(folder, pairs)
    shares = np.array([list(dict(sorted(row.probabilities.items())).values()) for row in found.rows])
    expected = ours(folder, backbone, task, pairs)
    expected = np.exp(expected) / np.exp(expected).sum(axis=1, keepdims=True)
    assert np.allclose(shares, expected, atol=1e-5)
    rows = "".join(json.dumps(dict(zip(("hypothesis", "premise"), pair[::-1], strict=True))) + "\n" for pair in pairs)
    (tmp_path / "pairs.jsonl").write_text(rows)
    assert autopeft.predict(folder, file=tmp_path / "pairs.jsonl").rows == found.rows
    merged = autopeft.predict(folder / "merged", pairs).rows
    assert [row.text for row in merged] == [row.text for row in found.rows]
    with pytest.raises(AutopeftError, match="reads pairs of texts; found 1 texts as input 1"):
        autopeft.predict(folder, ["alone"])
    # The card's code reads pairs too.
    for place in (folder, folder / "merged"):
        said = io.StringIO()
        with chdir(place), redirect_stdout(said):
            exec(code_of(place), {})
        assert sum(label in said.getvalue() for label in LABELS) >= 1
