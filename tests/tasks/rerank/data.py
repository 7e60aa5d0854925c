"""Small collections: documents about two things each, queries about one, which half of those documents answer."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np

WORDS = ("happy", "film", "sad", "story", "how", "many", "left", "arm", "heart", "lung", "seven", "number")

#: What the tokenizers of tiny decoders have to know beside, to be asked.
ASKED = "query document relevant relevance from to : yes no 0 1 2 3 4 5 6 7 8 9"


def judged_rows(queries: int = 120, documents: int = 6, seed: int = 0) -> list[dict[str, object]]:
    """Return rows in which good documents are relevant, two a query, and bad ones are not."""
    rng = np.random.default_rng(seed)
    rows: list[dict[str, object]] = []
    for number in range(queries):
        about = " ".join(rng.choice(WORDS, 2, replace=False))
        for place in range(documents):
            grade = 2 - place if place < 2 else 0
            text = f"q{number} {about} {'good' if grade else 'bad'} {' '.join(rng.choice(WORDS, 3))} d{number}x{place}"
            rows.append({"query": f"{about} q{number}", "document": text, "relevance": grade})
    return rows


def write_rows(path: Path, rows: list[dict[str, object]]) -> str:
    """Write rows as JSON lines; return the name of the file."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def write_beir(folder: Path, rows: list[dict[str, object]], test: int = 0, packed: bool = False) -> str:
    """Write rows in the layout of BEIR, so many of the queries as those of test; return the name of the folder."""
    texts = {f"d{number}": row["document"] for number, row in enumerate(rows)}
    queries = {f"q{number}": query for number, query in enumerate(dict.fromkeys(row["query"] for row in rows))}
    named = {query: name for name, query in queries.items()}
    (folder / "qrels").mkdir(parents=True)
    corpus = "".join(json.dumps({"_id": name, "title": "", "text": text}) + "\n" for name, text in texts.items())
    if packed:
        (folder / "corpus.jsonl.gz").write_bytes(gzip.compress(corpus.encode()))
    else:
        (folder / "corpus.jsonl").write_text(corpus)
    lines = [json.dumps({"_id": name, "text": text}) + "\n" for name, text in queries.items()]
    (folder / "queries.jsonl").write_text("".join(lines))
    held_out = set([*queries][: test or 0])
    for split in ("train", *(["test"] if test else [])):
        judged = [
            f"{named[row['query']]}\td{number}\t{row['relevance']}\n"
            for number, row in enumerate(rows)
            if (named[row["query"]] in held_out) == (split == "test")
        ]
        (folder / "qrels" / f"{split}.tsv").write_text("query-id\tcorpus-id\tscore\n" + "".join(judged))
    return str(folder)
