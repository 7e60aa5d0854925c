"""A run is found, and resumed, from another folder than the one it began in."""

import json
import subprocess
import sys

import pytest
import yaml

from tests.cli.test_search import WORDS, facts, place

__all__ = ["place"]


def autopeft(folder, *words):
    command = [sys.executable, "-m", "autopeft.cli", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_everything_a_plan_names_is_found_again(place, tmp_path):
    (place / "shards").mkdir()
    for number in range(3):
        rows = [f"{word} {number} {n},{season}" for n in range(8) for season in WORDS for word in WORDS[season].split()]
        (place / "shards" / f"{number}.csv").write_text("\n".join(["text,label", *rows]) + "\n")
    (place / "mine.yaml").write_text("name: mine\nchoose: {lora: {rank: 1..4}}\n")
    flags = ["--model", "tiny-bert", "--data", "shards/*.csv", "--text", "text", "--label", "label", "--budget", "20%"]
    flags += ["--space", "mine.yaml", "--storage", "sqlite:///all.db", "--epochs", "1", "--no-select"]
    # Workers read the data too, from a folder of Ray's.
    first = autopeft(place, "search", *flags, "--trials", "3", "--workers", "1")
    assert "run     runs/" in first
    (run,) = (place / "runs").iterdir()
    plan = yaml.safe_load((run / "study.yaml").read_text())
    assert all(str(plan[name]).startswith(str(place)) for name in ("model", "data", "space", "out"))
    assert plan["storage"] == f"sqlite:///{place}/all.db"
    autopeft(tmp_path, "search", run / "study.yaml", "--trials", "4", "--workers", "0", "--no-select")
    assert list(tmp_path.iterdir()) == []
    assert json.loads(autopeft(tmp_path, "front", run, "--json"))["trials"]["complete"] == 4


@pytest.mark.slow
def test_a_run_begun_by_a_relative_spec(place, tmp_path):
    spec = {"model": "tiny-bert", "data": "train.csv", "budget": "20%", "epochs": 1, "workers": 0, "trials": 3}
    (place / "spec.yaml").write_text(yaml.safe_dump(spec | {"out": "spec-run"}))
    autopeft(place, "search", "spec.yaml", "--no-select")
    autopeft(tmp_path, "search", place / "spec-run" / "study.yaml", "--trials", "4", "--no-select")
    assert len(facts(place / "spec-run")) == 4
    assert list(tmp_path.iterdir()) == []
