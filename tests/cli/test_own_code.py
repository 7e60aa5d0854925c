"""A model with code of its own from the command line: no question is asked, and no file allows it."""

import json
import os
import subprocess
import sys

import pytest
import transformers.dynamic_module_utils
import yaml
from typer.testing import CliRunner

from autopeft.cli import app
from autopeft.errors import BackboneError
from tests.backbones.own_code import MARK, own_classifier
from tests.saved.run_cards import code_of

pytestmark = pytest.mark.slow

DATA = ["--data", "train.csv", "--text", "text", "--label", "label"]
REFUSED = "brings code of its own"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    rows = [f"{'good happy' if n % 2 else 'bad sad'} film {n},{'yes' if n % 2 else 'no'}" for n in range(80)]
    (folder / "train.csv").write_text("\n".join(["text,label", *rows]) + "\n")
    (folder / "c.yaml").write_text("modules: {lora: {rank: 2, targets: [q]}}")
    own_classifier(folder)
    search(folder, "trusted", "--trust-remote-code", "--workers", "1")
    return folder


def autopeft(place, *words, code=0, **options):
    command = [sys.executable, "-m", "autopeft.cli", *map(str, words)]
    environment = {**os.environ, "HF_MODULES_CACHE": str(place / "modules")}
    stdin = {"stdin": subprocess.DEVNULL} | options
    done = subprocess.run(command, capture_output=True, text=True, cwd=place, env=environment, timeout=300, **stdin)
    assert done.returncode == code, done.stdout + done.stderr
    return done


def search(place, out, *words, **options):
    flags = [*DATA, "--model", "tiny-bert", "--space", "lora", "--budget", "20%", "--trials", "3", "--epochs", "1"]
    return autopeft(place, "search", *flags, "--no-select", "-o", out, *words, **options)


@pytest.mark.parametrize("stdin", ["open", "closed"])
def test_it_is_refused_in_one_message_whatever_standard_input_is(place, stdin):
    read, write = os.pipe()  # open, and nobody answers
    try:
        how = {"stdin": read} if stdin == "open" else {"stdin": None, "preexec_fn": lambda: os.close(0)}
        done = search(place, "none", code=2, **how)
    finally:
        os.close(read)
        os.close(write)
    assert done.stderr.startswith("error: the model tiny-bert brings code of its own")
    assert "--trust-remote-code" in done.stderr
    assert "[y/N]" not in done.stdout + done.stderr
    assert MARK not in done.stdout + done.stderr
    assert not (place / "none").exists()


def test_the_flag_allows_it_in_workers_too_and_is_recorded(place):
    front = json.loads((place / "trusted" / "front.json").read_text())
    assert front["trials"]["complete"] == 3
    assert yaml.safe_load((place / "trusted" / "study.yaml").read_text())["trust_remote_code"] is True


def test_a_file_does_not_allow_it(place):
    recorded = autopeft(place, "search", "trusted/study.yaml", "--trials", "4", code=2).stderr
    assert REFUSED in recorded
    assert "A YAML file cannot allow it" in recorded
    done = autopeft(place, "search", "trusted/study.yaml", "--trials", "4", "--trust-remote-code", "--no-select")
    assert "code that the model brings is run" in done.stdout


def test_every_verb_that_loads_the_model_wants_the_flag(place, monkeypatch):
    monkeypatch.chdir(place)
    monkeypatch.setattr(transformers.dynamic_module_utils, "HF_MODULES_CACHE", str(place / "modules"))

    def invoke(*words):
        return CliRunner().invoke(app, words, catch_exceptions=False).stdout

    # What only reads the study does not.
    assert "Pareto front" in invoke("front", "trusted")
    for words in (
        ("export", "trusted", "--pick", "1", "-o", "adapter"),
        ("train", "trusted", "--pick", "1", "--epochs", "1", "-o", "trained"),
        ("evaluate", "trained", *DATA),
        ("predict", "trained", "-i", "good film"),
        ("select", "trusted", "--seeds", "3", "--workers", "0"),
        ("cost", "c.yaml", "--model", "tiny-bert"),
        ("spaces", "show", "lora", "--model", "tiny-bert"),
        ("spaces", "check", "lora", "--model", "tiny-bert"),
    ):
        with pytest.raises(BackboneError, match=REFUSED):
            invoke(*words)
        assert invoke(*words, "--trust-remote-code")
    assert "trust_remote_code=True" in (place / "trained" / "README.md").read_text()
    assert REFUSED in invoke("report", "trusted")
    assert REFUSED not in invoke("report", "trusted", "--trust-remote-code")


def test_what_is_saved_and_exported_runs_that_code_too(place):
    autopeft(place, "train", "trusted", "--pick", "1", "--epochs", "1", "-o", "whole", "--merge", "--trust-remote-code")
    autopeft(place, "export", "trusted", "--pick", "1", "--to", "transformers", "-o", "script", "--trust-remote-code")
    environment = {**os.environ, "HF_MODULES_CACHE": str(place / "modules")}
    how = {"capture_output": True, "text": True, "env": environment, "stdin": subprocess.DEVNULL}
    for folder in ("whole", "whole/merged"):
        words = [sys.executable, "-c", code_of(place / folder)]
        done = subprocess.run(words, cwd=place / folder, **how)
        assert done.returncode == 0, done.stderr
        assert MARK in done.stdout
        assert any(
            line.startswith(("yes", "no")) or " yes " in line or " no " in line for line in done.stdout.splitlines()
        )
    done = subprocess.run([sys.executable, "train.py", "--max_steps", "2"], cwd=place / "script", **how)
    assert done.returncode == 0, done.stderr
    assert MARK in done.stdout
