"""A bi-encoder goes through every verb of the command line; sentence-transformers finds the same."""

import json
import subprocess
import sys

import pytest

from tests.kinds.verbs import go
from tests.tasks.rerank.data import judged_rows, write_beir

pytestmark = pytest.mark.slow

PAIRS = [("happy film", "good story"), ("happy film", "bad arm")]


def cosines(folder):
    """Return how near sentence-transformers finds the documents of pairs."""
    sentence_transformers = pytest.importorskip("sentence_transformers")
    encoder = sentence_transformers.SentenceTransformer(str(folder), device="cpu")
    asked, told = (
        encoder.encode_query([query for query, _ in PAIRS]),
        encoder.encode_document([document for _, document in PAIRS]),
    )
    return encoder.similarity_pairwise(asked, told).tolist()


@pytest.mark.parametrize(("architecture", "more"), [("bert", ()), ("llama", ()), ("gpt2", ("--pooling", "mean"))])
def test_it_goes_through_every_verb(architecture, more, tmp_path):
    write_beir(tmp_path / "beir", judged_rows(), test=30)
    flags = ["--kind", "retrieve", *more]
    targets = ("peft", "autopeft", "sentence-transformers")
    way = go(tmp_path, "retrieve", "beir", flags, "ndcg@10", targets=targets, architecture=architecture)
    assert set(way.figures["test"]) == {"ndcg@10", "recall@100", "mrr@10", "loss"}
    (tmp_path / "rows.csv").write_text("query,text\n" + "".join(",".join(pair) + "\n" for pair in PAIRS))
    told = {}
    for folder in ("trained", "trained/merged"):
        rows = json.loads(way.run("predict", folder, "rows.csv", "--document", "text", "--json"))
        told[folder] = [row["predicted"] for row in rows]
        code = (tmp_path / folder / "README.md").read_text().split("```python")[1].split("```")[0]
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path / folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-2000:]
        assert len(done.stdout.splitlines()) == 2
    card = (tmp_path / "trained" / "merged" / "README.md").read_text()
    assert "| `1_Pooling` | read by sentence-transformers |" in card
    assert "| `modules.json` | read by sentence-transformers |" in card
    assert told["trained"] == pytest.approx(told["trained/merged"], abs=1e-4)
    assert float(way.run("predict", "trained", "-i", "happy film", "--input2", "bad arm")) == pytest.approx(
        told["trained"][1], abs=1e-5
    )
    assert cosines(tmp_path / "trained" / "merged") == pytest.approx(told["trained"], abs=1e-4)
    assert all(-1 <= each <= 1 for each in cosines(tmp_path / "sentence-transformers"))
