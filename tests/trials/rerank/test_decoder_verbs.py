"""A decoder that ranks goes through every verb of the command line."""

import json
import subprocess
import sys

import pytest

from autopeft.testing.decoders import tiny_decoder
from autopeft.testing.models import TEXTS, tiny_backbone
from tests.cli.in_process import run_here
from tests.tasks.rerank.data import ASKED, judged_rows, write_beir

#: In fp32: what is merged is told from what is not by less than bf16 rounds off.
SMALL = ("--budget", "20%", "--workers", "0", "--examples", "32", "--epochs", "2", "--trials", "3", "--no-select")
SMALL += ("--precision", "fp32")


@pytest.fixture
def work(tmp_path):
    write_beir(tmp_path / "beir", judged_rows(), test=30)
    tiny_decoder("llama", tmp_path, vocabulary=(*TEXTS, ASKED))
    return tmp_path


def run(folder, *words):
    done = run_here(*words, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("graded", "said_of_it"),
    [
        ((), "answers no or yes; the score is the log-odds"),
        (("--grades", "3"), "answers 0 to 3; the score is the likeliest"),
    ],
    ids=["binary", "graded"],
)
def test_it_goes_through_every_verb(graded, said_of_it, work):
    data = ("--data", "beir", "--candidates", "5")
    said = run(work, "search", "--model", "tiny-llama", *data, *graded, *SMALL, "-o", "run")
    assert "untouched model (baseline)" in said
    assert said_of_it in " ".join(said.split())
    assert json.loads(run(work, "select", "run", "--seeds", "3", "--workers", "0", "--json"))["metric"] == "ndcg@10"
    run(work, "report", "run")
    assert "untouched model" in (work / "run" / "report.html").read_text()
    run(work, "export", "run", "--pick", "1", "--to", "peft", "-o", "peft")
    run(work, "train", "run", "--pick", "1", "-o", "trained", "--merge")
    figures = json.loads((work / "trained" / "metrics.json").read_text())["test"]
    # What was asked of the model is known by the folder, not by flags.
    found = json.loads(run(work, "evaluate", "trained", *data, "--json"))
    assert {name: found[name] for name in figures} == pytest.approx(figures, abs=1e-5)
    (work / "rows.csv").write_text("query,document\nhappy film,happy film good\nhappy film,bad arm\n")
    scores = {
        place: [row["predicted"] for row in json.loads(run(work, "predict", place, "rows.csv", "--json"))]
        for place in ("trained", "trained/merged")
    }
    assert scores["trained"] == pytest.approx(scores["trained/merged"], abs=1e-3)
    for place in ("trained", "trained/merged", "peft"):
        code = (work / place / "README.md").read_text().split("```python")[1].split("```")[0]
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=work / place, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-2000:]
        assert len(done.stdout.splitlines()) == 2


def test_grades_are_not_for_encoders_and_nothing_is_written(work):
    tiny_backbone("bert", work)
    cases = [
        (("--model", "tiny-bert", "--grades", "3"), "--grades is for decoders"),
        (("--model", "tiny-llama", "--grades", "11"), "no token of its own for the answer '10'"),
        (("--model", "tiny-llama", "--expectation"), "--expectation is a mean of grades"),
        (("--model", "tiny-llama", "--loss", "pairwise"), "expected pointwise"),
        (("--model", "tiny-llama", "--max-length", "3"), "the question alone takes"),
    ]
    for flags, message in cases:
        done = run_here("search", "--kind", "rerank", "--data", "beir", *flags, *SMALL, "-o", "none", cwd=work)
        assert (done.returncode, done.stderr.count("error:")) == (2, 1), done.stdout + done.stderr
        assert message in " ".join(done.stderr.split())
        assert not (work / "none").exists()
