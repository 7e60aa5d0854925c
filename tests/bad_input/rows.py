"""Rows of every kind of task, good as they are, for cases that break one thing of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["CSV", "PAIRS", "SCORED", "TAGGED", "TALKS", "TOPICS", "beir", "csv", "jsonl"]

Row = Mapping[str, Any]


def jsonl(make: Callable[[int], Any], count: int = 40) -> str:
    """Return JSON lines of so many rows."""
    return "".join(json.dumps(make(number)) + "\n" for number in range(count))


def csv(make: Callable[[int], str], header: str = "text,label", count: int = 40) -> str:
    """Return CSV of so many rows."""
    return header + "\n" + "".join(f"{make(number)}\n" for number in range(count))


def beir(**changes: str) -> dict[str, str]:
    """Return the files of a folder as BEIR has it, some of them changed; those changed to nothing are left out."""
    documents = jsonl(lambda n: {"_id": f"d{n}", "title": "", "text": f"the short text number{n} of a story"})
    queries = jsonl(lambda n: {"_id": f"q{n}", "text": f"what of number{n}"})
    judged = "query-id\tcorpus-id\tscore\n" + "".join(f"q{n}\td{n}\t1\n" for n in range(40))
    files = {"corpus.jsonl": documents, "queries.jsonl": queries, "qrels/train.tsv": judged}
    named = {"corpus": "corpus.jsonl", "queries": "queries.jsonl", "qrels": "qrels/train.tsv"}
    files |= {named[name]: text for name, text in changes.items()}
    return {f"data/{name}": text for name, text in files.items() if text}


#: Two classes, numbers, several labels, tags of words, talks, and pairs of answers.
CSV = csv(lambda n: f"good film number{n},{'ab'[n % 2]}")
SCORED = csv(lambda n: f"good film number{n},{n / 10}")
TOPICS = jsonl(lambda n: {"text": f"good film number{n}", "label": [["a"], ["a", "b"], []][n % 3]})
TAGGED = jsonl(lambda n: {"tokens": ["Ada", "lived", f"number{n}"], "tags": ["B-person", "O", "O"]})
TALKS = jsonl(lambda n: {"prompt": f"what of number{n}", "completion": " a story"})
PAIRS = jsonl(lambda n: {"prompt": f"what of number{n}", "chosen": " a story", "rejected": " a bad film"})
