"""The kinds of task that come with the package, through every verb."""

import csv
import json
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


@pytest.mark.parametrize("architecture", ["bert", "llama"])
def test_multilabel(tmp_path, architecture):
    words = ("good", "sad", "lung")
    sets = [[word for place, word in enumerate(words) if n >> place & 1] for n in range(200)]
    with (tmp_path / "rows.csv").open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["text", "words"])
        out.writerows([f"{' '.join(each)} film {n}", "|".join(each) or "[]"] for n, each in enumerate(sets))
    targets = ("peft", "autopeft", "transformers")
    flags = ["--label", "words", "--label-separator", "|", "--metric", "macro_f1"]
    way = go(tmp_path, "multilabel", "rows.csv", flags, "macro_f1", targets=targets, architecture=architecture)
    assert set(way.figures["test"]) == {"micro_f1", "macro_f1", "samples_f1", "loss"}
    thresholds = {
        folder: json.loads((tmp_path / folder / "config.json").read_text())["label_threshold"]
        for folder in ("peft", "trained", "trained/merged")
    }
    assert thresholds["trained"] == thresholds["trained/merged"]
    for folder, threshold in thresholds.items():
        [told] = json.loads(way.run("predict", folder, "-i", "good lung film", "--json"))
        assert told["predicted"] == [name for name, found in told["probabilities"].items() if found > threshold]
        code = (tmp_path / folder / "README.md").read_text().split("```python")[1].split("```")[0]
        if folder != "peft":
            done = subprocess.run(
                [sys.executable, "-c", code], cwd=tmp_path / folder, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr[-2000:]
            assert len(done.stdout.splitlines()) == 2
    for end in ("csv", "jsonl"):
        way.run("predict", "trained", "rows.csv", "-o", f"out.{end}")
    with (tmp_path / "out.csv").open() as file:
        rows = list(csv.DictReader(file))
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [json.loads(row["predicted"]) for row in rows] == [line["predicted"] for line in lines]
    assert all(json.loads(row["probabilities"]).keys() == set(words) for row in rows)
    said = way.run("evaluate", "trained", *way.data)
    assert all(word in said for word in ("precision", "recall", *words))
    mixed = (tmp_path / "rows.csv").read_text() + "text,good;sad\n"
    (tmp_path / "mixed.csv").write_text(mixed)
    refused = way.refused("search", "--data", "mixed.csv", *flags, "-o", "no")
    assert "'good;sad', whose parts are labels by themselves" in refused.stderr
    assert not (tmp_path / "no").exists()
    command = [sys.executable, "train.py", "--max_steps", "3", "--report_to", "none"]
    done = subprocess.run(command, cwd=tmp_path / "transformers", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "eval_macro_f1" in done.stdout
    config = json.loads((tmp_path / "transformers" / "output" / "config.json").read_text())
    assert config["problem_type"] == "multi_label_classification"
    assert 0 <= config["label_threshold"] <= 1
