"""Real data sets kept beside the project, when they are there: files as people have them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SHARED = Path(__file__).parents[2].parent / "shared" / "data"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SHARED.is_dir(), reason=f"no data sets in {SHARED}"),
]

JOBS = {
    "trec6": ("--data", "trec6/train.csv", "--text", "text", "--label", "label", "--budget", "0.3%"),
    "rte": (
        *("--data", "rte/train.tsv", "--text", "sentence1", "--text2", "sentence2", "--label", "label"),
        *("--validation", "rte/dev.tsv", "--metric", "mcc"),
    ),
    "banking77": ("--data", "banking77/train.csv", "--text", "text", "--label", "category", "--metric", "macro_f1"),
}


@pytest.mark.parametrize("name", JOBS)
def test_a_short_search(name, tmp_path):
    words = [str(SHARED / word) if word.endswith(("csv", "tsv")) else word for word in JOBS[name]]
    short = [
        "--trials",
        "4",
        "--examples",
        "200",
        "--epochs",
        "1",
        "--workers",
        "0",
        "--no-select",
        "-o",
        str(tmp_path / "run"),
    ]
    command = [sys.executable, "-m", "autopeft.cli", "search", *words, *short]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=600)
    assert done.returncode == 0, done.stderr
    front = json.loads((tmp_path / "run" / "front.json").read_text())
    assert front["trials"]["complete"] == 4
    assert all(row["params"] <= front["budget"]["params"] for row in front["front"])
