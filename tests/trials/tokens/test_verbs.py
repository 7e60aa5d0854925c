"""Tagging goes through every verb; what is written works without autopeft."""

import csv
import json
import os
import subprocess
import sys

import pytest

from autopeft.testing.models import tiny_backbone
from tests.cli.in_process import run_here
from tests.trials.tokens.data import write_conll

#: Runs the Python of a card where autopeft cannot be imported.
ALONE = "import sys; sys.modules['autopeft'] = None\n"


def card_code(folder):
    """Return the Python of a card."""
    return (folder / "README.md").read_text().split("```python\n")[1].split("```")[0]


def python(code, folder, *words):
    """Run Python in a folder, one thread; return what it prints."""
    env = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, *([code] if code.endswith(".py") else ["-c", code]), *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["bert", "gpt2"])
def test_it_goes_through_every_verb(architecture, tmp_path):
    write_conll(tmp_path / "rows.conll")
    tiny_backbone(architecture, tmp_path)

    def run(*words):
        done = run_here(*words, cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    data = ["--data", "rows.conll"]
    shown = run("data", "rows.conll", "--model", f"tiny-{architecture}")
    assert "tokens, sentences of words with 4 tags, metric entity_f1" in shown
    assert "lung seven of  ->  lung (organ), seven (number)" in shown
    small = ["--budget", "20%", "--workers", "0", "--epochs", "6", "--trials", "4", "--max-length", "64"]
    said = run(
        "search", "--model", f"tiny-{architecture}", *data, *small, "--space", "lora", "--no-select", "-o", "run"
    )
    assert "sentences are longer than 64 tokens, and read in windows" in said
    assert "head only (baseline)" in said
    chosen = json.loads(run("select", "run", "--seeds", "3", "--workers", "0", "--json"))
    assert chosen["metric"] == "entity_f1"
    run("report", "run")
    for target in ("peft", "transformers", "autopeft"):
        run("export", "run", "--pick", "1", "--to", target, "-o", target)
    assert json.loads((tmp_path / "peft" / "adapter_config.json").read_text())["task_type"] == "TOKEN_CLS"
    assert "token_accuracy" in python("train.py", tmp_path / "transformers", "--max_steps", "4", "--report_to", "none")

    run("train", "run", "--pick", "1", "--epochs", "6", "-o", "trained", "--merge")
    figures = json.loads((tmp_path / "trained" / "metrics.json").read_text())
    found = json.loads(run("evaluate", "trained", *data, "--json"))
    assert {key: found[key] for key in figures["test"]} == pytest.approx(figures["test"], abs=1e-4)
    assert {one["label"] for one in found["labels"]} == {"number", "organ"}
    assert figures["test"]["entity_f1"] > 0.8
    printed = python(ALONE + card_code(tmp_path / "trained"), tmp_path / "trained")
    assert printed.count("('short', '") == 1
    assert python(ALONE + card_code(tmp_path / "trained" / "merged"), tmp_path / "trained" / "merged").count("\n") == 2

    tags = json.loads(run("predict", "trained", "-i", "the left lung of it", "-i", "seven", "--json"))
    assert [len(each["predicted"]) for each in tags] == [5, 1]
    run("predict", "trained", "rows.conll", "-o", "all.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text().splitlines()]
    pairs = [pair for row in rows for pair in zip(row["tags"], row["predicted"], strict=True)]
    assert sum(tag == told for tag, told in pairs) > 0.8 * len(pairs)
    (tmp_path / "more.jsonl").write_text(
        json.dumps({"tokens": ["the", "heart"], "n": 1}) + "\n" + json.dumps({"tokens": ["seven"] * 200, "n": 2}) + "\n"
    )
    run("predict", "trained", "more.jsonl", "-o", "told.jsonl")
    told = [json.loads(line) for line in (tmp_path / "told.jsonl").read_text().splitlines()]
    assert [(row["tokens"][0], row["n"], len(row["predicted"])) for row in told] == [("the", 1, 2), ("seven", 2, 200)]
    run("predict", "trained/merged", "more.jsonl", "-o", "told.csv")
    with (tmp_path / "told.csv").open(newline="") as file:
        cells = [*csv.DictReader(file)]
    assert [json.loads(row["predicted"]) for row in cells] == [row["predicted"] for row in told]


def rows_of(*tags):
    """Return 80 sentences of one word with one of the tags."""
    return "".join(f"w{number} {tags[number % len(tags)]}\n\n" for number in range(80))


@pytest.mark.parametrize(
    ("content", "flags", "message"),
    [
        ("a O\nb\n", [], "line 2: found 'b'; expected a word and its tag"),
        (rows_of("PER", "B-ORG"), [], "found the tag 'PER' beside 'B-ORG'"),
        (rows_of("O", "O"), [], "there is no entity in it"),
        (rows_of("NOUN", "VERB"), ["--metric", "entity_f1"], "found the tag 'NOUN'"),
    ],
)
def test_bad_data_is_one_message_and_nothing_is_written(content, flags, message, tmp_path):
    (tmp_path / "rows.conll").write_text(content)
    done = run_here("search", "--data", "rows.conll", *flags, "-o", "run", cwd=tmp_path)
    assert (done.returncode, done.stderr.count("error:")) == (2, 1), done.stderr
    assert message in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["rows.conll"]
