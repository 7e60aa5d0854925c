"""A ranker goes through every verb of the command line."""

import json

import pytest
import torch

from autopeft.testing.models import tiny_backbone
from tests.cli.in_process import run_here
from tests.tasks.rerank.data import judged_rows, write_beir


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A folder with a small collection, a model, and what was trained on it."""
    folder = tmp_path_factory.mktemp("work")
    write_beir(folder / "beir", judged_rows(), test=30)
    tiny_backbone("bert", folder)
    return folder


def run(folder, *words):
    done = run_here(*words, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


#: In fp32: what is merged is told from what is not by less than bf16 rounds off.
SMALL = ("--budget", "20%", "--workers", "0", "--examples", "48", "--epochs", "2", "--trials", "3", "--no-select")
SMALL += ("--precision", "fp32")


@pytest.mark.slow
def test_it_goes_through_every_verb(work):
    data = ("--data", "beir", "--candidates", "5", "--loss", "pairwise")
    said = run(work, "search", "--model", "tiny-bert", *data, *SMALL, "-o", "run")
    assert "trained on the pairwise loss" in said
    assert "BM25 itself reaches ndcg@10" in said
    front = json.loads((work / "run" / "front.json").read_text())
    assert front["metric"] == "ndcg@10"
    assert json.loads(run(work, "select", "run", "--seeds", "3", "--workers", "0", "--json"))["metric"] == "ndcg@10"
    run(work, "report", "run")
    for target in ("peft", "autopeft"):
        run(work, "export", "run", "--pick", "1", "--to", target, "-o", target)
    run(work, "train", "run", "--pick", "1", "-o", "trained", "--merge")
    figures = json.loads((work / "trained" / "metrics.json").read_text())["test"]
    assert set(figures) == {"ndcg@10", "mrr@10", "map", "loss"}
    found = json.loads(run(work, "evaluate", "trained", "--data", "beir", "--candidates", "5", "--json"))
    for name in ("ndcg@10", "mrr@10", "map"):
        assert found[name] == pytest.approx(figures[name], abs=1e-6)
    (work / "rows.csv").write_text("query,text\nhappy film,good story\nhappy film,bad arm\n")
    run(work, "predict", "trained", "rows.csv", "--document", "text", "-o", "out.csv")
    header, *rows = (work / "out.csv").read_text().splitlines()
    assert header == "query,text,predicted"
    scores = [float(row.rsplit(",", 1)[1]) for row in rows]
    alone = run(work, "predict", "trained", "-i", "happy film", "--input2", "bad arm")
    assert float(alone) == pytest.approx(scores[1], abs=1e-5)
    merged = run(work, "predict", "trained/merged", "rows.csv", "--document", "text", "--json")
    assert [row["predicted"] for row in json.loads(merged)] == pytest.approx(scores, abs=1e-4)
    _check_by_others(work / "trained" / "merged", scores)


def _check_by_others(folder, scores):
    """Tools that users know give the same scores."""
    pairs = [("happy film", "good story"), ("happy film", "bad arm")]
    transformers = pytest.importorskip("transformers")
    piped = transformers.pipeline("text-classification", model=str(folder), device="cpu")
    found = piped([{"text": query, "text_pair": document} for query, document in pairs])
    assert [each["score"] for each in found] == pytest.approx(scores, abs=1e-4)
    sentence_transformers = pytest.importorskip("sentence_transformers")
    ranker = sentence_transformers.CrossEncoder(str(folder), device="cpu")
    assert isinstance(ranker.activation_fn, torch.nn.Identity)
    assert ranker.predict(pairs).tolist() == pytest.approx(scores, abs=1e-4)


def test_options_of_other_kinds_are_refused_and_nothing_is_written(work):
    (work / "rows.csv").write_text("text,label\n" + "".join(f"film {n},{'ab'[n % 2]}\n" for n in range(80)))
    cases = [
        (("--kind", "rerank", "--data", "beir", "--loss", "hinge"), "loss"),
        (("--data", "rows.csv", "--loss", "listwise"), "--loss is not for a task of classification"),
        (("--data", "rows.csv", "--candidates", "4"), "has no column 'query'"),
        (("--data", "beir", "--candidates", "1"), "candidates"),
        (("--kind", "rerank", "--data", "beir", "--generate", "4"), "--generate is not for a task of rerank"),
    ]
    for flags, message in cases:
        done = run_here("search", "--model", "tiny-bert", *flags, *SMALL, "-o", "none", cwd=work)
        assert done.returncode == 2, done.stdout
        assert message in done.stderr
        assert not (work / "none").exists()
