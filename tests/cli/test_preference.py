"""Preferences from the command line: looked at, searched, trained, evaluated, answered and exported."""

import json

import pytest

from autopeft.testing.decoders import CHAT_TEMPLATE, tiny_decoder
from tests.cli.in_process import run_here
from tests.trials.preference.data import talks, written

FLAGS = ["--workers", 0, "--budget", "20%", "--examples", 30, "--epochs", 6, "--no-select", "-o", "run"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("preference")
    tiny_decoder("llama", folder, template=CHAT_TEMPLATE)
    written(folder, talks(80))
    space = "name: ours\nmodules: {lora: {rank: '2 | 4'}}\ntraining: {learning_rate: '1e-2', beta: '0.05..0.5 log'}\n"
    (folder / "ours.yaml").write_text(space)
    return folder


def said(place, *words):
    done = run_here(*words, cwd=place)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_data_is_shown_with_what_is_compared(place):
    told = said(place, "data", "pairs.jsonl", "--model", "tiny-llama")
    assert ": preference, prompts of 'prompt' with better answers of 'chosen'" in told
    assert "an untouched model ranks no pair either way, which is 0.5 by definition" in told
    assert told.count("[[good happy") == told.count("[[bad sad") == 3


@pytest.mark.slow
def test_a_search_over_beta_goes_through_every_verb(place):
    told = said(
        place, "search", "--model", "tiny-llama", "--data", "pairs.jsonl", "--space", "ours.yaml", "--trials", 4, *FLAGS
    )
    assert "untouched model, always 0.5 (baseline)" in " ".join(told.split())
    front = json.loads((place / "run" / "front.json").read_text())
    assert front["metric"] == "accuracy"
    rows = [*front["front"], *front["baselines"]]
    assert all({"accuracy", "margin", "loss"} <= row["metrics"].keys() for row in rows)
    assert next(row for row in rows if row["baseline"] == "head-only")["accuracy"] == 0.5
    trial = next(row for row in rows if row["baseline"] is None)
    beta = trial["configuration"]["training"]["beta"]
    assert 0.05 <= beta <= 0.5
    pytest.importorskip("trl", reason="the rest needs TRL, the extra `trl`")
    pick = ["run", "--pick", trial["trial"]]
    said(place, "export", *pick, "--to", "axolotl", "-o", "axolotl")
    assert f"rl_beta: {beta}" in (place / "axolotl" / "axolotl.yaml").read_text()
    said(place, "train", *pick, "-o", "trained", "--merge")
    figures = json.loads((place / "trained" / "metrics.json").read_text())["test"]
    again = json.loads(said(place, "evaluate", "trained", "--data", "pairs.jsonl", "--json"))
    assert {key: again[key] for key in figures} == pytest.approx(figures, abs=1e-4)
    answers = {said(place, "predict", folder, "-i", "what who") for folder in ("trained", "trained/merged")}
    assert len(answers) == 1
    said(place, "predict", "trained", "pairs.jsonl", "-o", "out.jsonl")
    told = [json.loads(line) for line in (place / "out.jsonl").read_text().splitlines()]
    assert len(told) == 80
    assert all(isinstance(row["predicted"], str) for row in told)
