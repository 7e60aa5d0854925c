"""A decoder from the command line: search, export and train; what a user can get wrong ends with code 2."""

import json
import subprocess
import sys
from importlib.util import find_spec

import pytest

from autopeft.testing.decoders import tiny_decoder
from autopeft.testing.models import TEXTS, tiny_backbone
from tests.cli.in_process import run_here


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("decoder")
    tiny_decoder("llama", folder)
    tiny_backbone("bert", folder)
    rows = [{"question": f"{' '.join(text.split()[:3])} {n}", "answer": text} for n in range(20) for text in TEXTS]
    (folder / "train.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    (folder / "mixed.jsonl").write_text("\n".join(map(json.dumps, [*rows, {"prompt": "x", "completion": "y"}])) + "\n")
    return folder


def autopeft(place, *words):
    command = [sys.executable, "-m", "autopeft.cli", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, cwd=place, timeout=300)


WORDS = ("search", "--workers", 0, "--no-select")


@pytest.mark.slow
def test_search_export_and_train(place):
    flags = ["--budget", "10%", "--trials", 4, "--examples", 24, "--epochs", 2, "--generate", 8, "-o", "run"]
    done = autopeft(place, *WORDS, "--model", "tiny-llama", "--data", "train.jsonl", *flags, "--fidelity", "examples")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "prompts of 'question', completions of 'answer', which are learned" in done.stdout
    assert "0.0% of the training examples truncated" in done.stdout
    assert "untouched model (baseline)" in " ".join(done.stdout.split())
    assert "head not counted" not in done.stdout
    front = json.loads((place / "run" / "front.json").read_text())
    assert (front["metric"], front["spec"]["space"]["name"]) == ("token_accuracy", "llm")
    assert {row["baseline"] for row in front["baselines"]} == {"head-only", "stock-lora"}
    answered = {"exact_match", "rouge_l", "token_f1"}
    assert all(answered < row["metrics"].keys() for row in (*front["front"], *front["baselines"]))
    assert answered < set((place / "run" / "front.csv").read_text().splitlines()[0].split(","))
    stock = next(row["trial"] for row in front["baselines"] if row["baseline"] == "stock-lora")
    exported = autopeft(place, "export", "run", "--pick", stock, "-o", "adapter")
    assert exported.returncode == 0, exported.stderr
    config = json.loads((place / "adapter" / "adapter_config.json").read_text())
    assert (config["task_type"], config["modules_to_save"]) == ("CAUSAL_LM", None)
    refused = autopeft(place, "train", "run", "--pick", 0, "-o", "nothing")
    assert refused.returncode == 2
    assert "nothing to train" in refused.stderr
    if find_spec("trl") is None:
        pytest.skip("the rest needs TRL, the extra `trl`")
    trained = autopeft(place, "train", "run", "--pick", stock, "-o", "trained")
    assert trained.returncode == 0, trained.stderr
    found = json.loads((place / "trained" / "metrics.json").read_text())["validation"]
    assert set(found) == {"token_accuracy", "loss", "perplexity", "exact_match", "rouge_l", "token_f1"}


@pytest.mark.parametrize(
    ("words", "told", "message"),
    [
        ((), {"model": "tiny-bert"}, "do not generate text"),
        ((), {"data": "mixed.jsonl"}, "the columns of the data fit several forms: prompts of 'prompt'"),
        (("--messages", "question"), {}, "line 1, 'question': found a text; expected a list of messages"),
        (("--max-length", 4), {}, "has anything left to learn: their prompts are longer; raise --max-length"),
        (("--max-length", 4000), {}, "the model reads at most 128 tokens"),
        (("--metric", "mcc"), {}, "unknown metric 'mcc' of a task of causal; expected one of: token_accuracy"),
        (("--kind", "chat"), {}, "unknown kind of task 'chat'"),
        (("--metric", "choice"), {}, "needs questions with choices"),
        (("--metric", "rouge_l", "--generate", 0), {}, "needs generated answers; expected --generate 1 or more"),
        (("--kind", "causal", "--text", "answer", "--generate", 4), {}, "has no prompts to write answers to"),
        (
            ("--space", "unipelt"),
            {},
            "no configuration of the space 'unipelt' can be built on tiny-llama: lora: with these",
        ),
    ],
)
def test_what_a_user_can_get_wrong_is_one_message(place, words, told, message):
    found = {"model": "tiny-llama", "data": "train.jsonl"} | told
    done = run_here(*WORDS, "--model", found["model"], "--data", found["data"], *words, cwd=place)
    assert done.returncode == 2, done.stdout + done.stderr
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
