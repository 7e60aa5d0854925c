"""The kinds of task that come with the package, through every verb."""

import csv
import subprocess
import sys

import pytest

from tests.kinds.verbs import go

pytestmark = pytest.mark.slow


def numbers(path, rows=160):
    """Write texts with a number each: how often a word stands there, and a half."""
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["text", "stars"])
        out.writerows([f"{'good ' * (n % 6)}{'sad ' * (5 - n % 6)}film {n}", n % 6 + 0.5] for n in range(rows))


@pytest.mark.parametrize("architecture", ["bert", "gpt2"])
def test_regression(tmp_path, architecture):
    numbers(tmp_path / "rows.csv")
    targets = ("peft", "autopeft", "transformers")
    way = go(
        tmp_path, "regression", "rows.csv", ["--label", "stars"], "pearson", targets=targets, architecture=architecture
    )
    assert set(way.figures["test"]) == {"pearson", "spearman", "r2", "mae", "loss"}
    told = {
        folder: float(way.run("predict", folder, "-i", "good good good film"))
        for folder in ("trained", "trained/merged")
    }
    assert told["trained"] == pytest.approx(told["trained/merged"], abs=1e-3)
    assert -2 < told["trained"] < 8
    way.run("predict", "trained", "rows.csv", "-o", "out.csv")
    with (tmp_path / "out.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 160
    assert all(-4 < float(row["predicted"]) < 10 for row in rows)
    command = [sys.executable, "train.py", "--max_steps", "3", "--report_to", "none"]
    done = subprocess.run(command, cwd=tmp_path / "transformers", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "eval_pearson" in done.stdout
