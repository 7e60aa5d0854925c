"""`autopeft data`: what a search would read, before anything trains."""

import json

import pytest
from typer.testing import CliRunner

from autopeft.cli import app
from autopeft.errors import AutopeftError
from autopeft.testing.decoders import CHAT_TEMPLATE, tiny_decoder
from autopeft.testing.models import TEXTS, tiny_backbone


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    words = " ".join(TEXTS).split()
    rows = [f"{' '.join(words[n % 40 : n % 40 + 4])} {n};{n};{'ab'[n % 2]}" for n in range(120)]
    (folder / "rows.csv").write_text("\ufefftext;id;label\n" + "\n".join([*rows, ";121;a"]) + "\n", encoding="utf8")
    chats = [
        [{"role": "user", "content": text, "id": n}, {"role": "assistant", "content": f"{text} {n}"}]
        for n in range(12)
        for text in TEXTS
    ]
    (folder / "chats.jsonl").write_text("\n".join(json.dumps({"messages": chat}) for chat in chats))
    tiny_backbone("bert", folder)
    tiny_decoder("llama", folder, template=CHAT_TEMPLATE)
    return folder


def show(*words):
    done = CliRunner().invoke(app, ["data", *map(str, words)], catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


def test_rows_drops_labels_and_lengths_are_shown(place):
    shown = show(place / "rows.csv")
    for said in (
        "texts with 2 labels",
        "rows.csv: begins with a byte-order mark",
        "rows.csv: fields are separated by semicolons",
        "rows.csv: 1 row of 121 dropped, 'text' is empty (line 122)",
        "rows.csv: not used: id",
        "lengths in characters: ",
        "name a model by --model",
    ):
        assert said in shown
    rows = [line.split() for line in shown.splitlines() if line.startswith(("a ", "b ", "label ")) and "->" not in line]
    assert rows == [
        ["label", "train", "validation", "test"],
        ["a", "40", "10", "10"],
        ["b", "40", "10", "10"],
    ]


def test_the_same_as_json(place):
    found = json.loads(show(place / "rows.csv", "--json", "--model", place / "tiny-bert"))
    source = found["sources"]["train"]
    assert (source["rows"], source["used"], source["dropped"]) == (121, 120, {"'text' is empty": ["line 122"]})
    assert found["labels"]["a"] == {"train": 40, "validation": 10, "test": 10}
    assert (found["kind"], found["lengths"]["unit"], found["model"]) == ("classification", "tokens", "tiny-bert")
    assert any("texts cut at" in line for line in found["trial"])


def test_what_is_done_to_long_inputs_is_said_in_the_words_of_the_kind(place):
    sentences = [f"good{n} B-organ\nfilm O\n" for n in range(120)]
    (place / "rows.conll").write_text("\n".join(sentences))
    found = json.loads(show(place / "rows.conll", "--json", "--model", place / "tiny-bert"))
    assert any("sentences read in windows of" in line for line in found["trial"])


def test_what_a_decoder_learns_is_marked(place):
    shown = show(place / "chats.jsonl", "--model", place / "tiny-llama")
    assert shown.count("[[") == shown.count("]]") == 3
    assert "chats.jsonl: not used: messages[].id" in shown
    assert "end a text or a turn" in shown
    found = json.loads(show(place / "chats.jsonl", "--model", place / "tiny-llama", "--json"))
    [asked, answered] = found["examples"][0]
    assert (asked["learned"], answered["learned"]) == (False, True)
    assert "[EOS]" in [token["text"] for token in answered["tokens"]]
    tokens = show(place / "chats.jsonl", "--model", place / "tiny-llama", "--tokens")
    assert "|".join(token["text"] for token in answered["tokens"]) in tokens


def test_a_decoder_needs_no_model_to_be_looked_at(place):
    shown = show(place / "chats.jsonl")
    assert "the assistant's turns learned" in shown
    assert "user: " in shown


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "no data is named"),
        (("rows.csv", "--text", "body"), "no column 'body'"),
        (
            ("rows.csv", "--kind", "regresion"),
            "unknown kind of task 'regresion'",
        ),
        (("rows.csv", "--model", "nowhere/at/all"), "does not exist"),
    ],
)
def test_what_a_search_would_refuse_is_refused(place, words, message):
    with pytest.raises(AutopeftError, match=message):
        show(*(place / word if word == "rows.csv" else word for word in words))
