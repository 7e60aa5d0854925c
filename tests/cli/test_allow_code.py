"""Code that models write from the command line: only the flag allows it, at each command that would run it."""

import json

import pytest
import yaml

from autopeft.errors import AutopeftError
from autopeft.launch import open_run
from autopeft.testing.decoders import tiny_decoder
from autopeft.testing.models import TEXTS
from tests.cli.in_process import run_here
from tests.marks import sandboxed

pytestmark = [sandboxed, pytest.mark.slow]

REFUSED = "error: the metric passes runs code that models write, in a sandbox on this machine; add --allow-code"
DATA = ["--data", "problems.jsonl", "--metric", "passes"]
BRIEF = ["--generate", 4, "--no-early-stopping", "--objectives", "accuracy,bytes"]
FLAGS = [
    "--model",
    "tiny-llama",
    "--space",
    "lora",
    "--budget",
    "20%",
    "--examples",
    16,
    "--epochs",
    1,
    "--no-select",
    *BRIEF,
]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("code")
    tiny_decoder("llama", folder)
    rows = [{"text": f"{text} {n}", "code": text, "test_list": ["assert True"]} for n in range(20) for text in TEXTS]
    (folder / "problems.jsonl").write_text("\n".join(map(json.dumps, rows)))
    done = run_here("search", *DATA, *FLAGS, "--trials", 2, "-o", "run", "--workers", 1, "--allow-code", cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_workers_run_it_and_the_run_records_that(place):
    front = json.loads((place / "run" / "front.json").read_text())
    assert (front["metric"], front["trials"]["complete"]) == ("passes", 2)
    assert all(0 <= row["metrics"]["passes"] <= 1 for row in front["baselines"])
    assert yaml.safe_load((place / "run" / "study.yaml").read_text())["allow_code"] is True
    assert open_run(place / "run").plan.allow_code is False


def test_each_verb_that_would_run_it_wants_the_flag(place):
    assert REFUSED in run_here("search", "run/study.yaml", "--trials", 3, cwd=place).stderr
    assert REFUSED in run_here("search", *DATA, *FLAGS, "-o", "other", cwd=place).stderr
    for words in (
        ("select", "run", "--seeds", 3, "--workers", 0),
        ("train", "run", "--pick", 1, "-o", "trained"),
        ("compress", "run", "--pick", 1, "--workers", 0),
    ):
        refused = run_here(*words, cwd=place)
        assert refused.returncode == 2
        assert REFUSED in refused.stderr
    done = run_here("train", "run", "--pick", 1, "-o", "trained", "--allow-code", cwd=place)
    assert done.returncode == 0, done.stderr
    assert "passes" in done.stdout
    assert REFUSED in run_here("evaluate", "trained", *DATA, cwd=place).stderr
    assert "passes" in run_here("evaluate", "trained", *DATA, "--allow-code", cwd=place).stdout


def test_what_runs_none_needs_no_flag(place):
    for words in (
        ("front", "run"),
        ("trials", "run"),
        ("export", "run", "--pick", 1, "-o", "adapter"),
        ("data", "problems.jsonl", "--metric", "passes", "--model", "tiny-llama"),
    ):
        done = run_here(*words, cwd=place)
        assert done.returncode == 0, done.stderr


def test_without_a_sandbox_nothing_begins(place, monkeypatch):
    def none():
        raise AutopeftError("code that models write cannot be run here: no Landlock")

    monkeypatch.setattr("autopeft.tasks.causal.judging.code.check_sandbox", none)
    done = run_here("search", *DATA, *FLAGS, "-o", "none", "--allow-code", cwd=place)
    assert (done.returncode, "cannot be run here: no Landlock" in done.stderr) == (2, True)
    assert not (place / "none").exists()
