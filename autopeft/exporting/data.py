"""The examples of a task as the files that tools train on; the test split stays where it is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from autopeft.tasks import IGNORED
from autopeft.trials.writing import Segment, Tokens, WrittenRow

__all__ = [
    "DATA",
    "SPLITS",
    "alike",
    "apart_notes",
    "first_rows",
    "tokenised_apart",
    "tokens",
    "write_rows",
]

#: Folder of the files.
DATA = "data"

SPLITS = ("train", "validation")


def write_rows(folder: Path, rows: Mapping[str, Iterable[Any]], make: Callable[[Any], Mapping[str, Any]]) -> None:
    """Write `data/train.jsonl` and `data/validation.jsonl`.

    Args:
        folder: Where to write.
        rows: The rows of each split.
        make: Makes what is written of one.
    """
    (folder / DATA).mkdir(exist_ok=True)
    for name, found in rows.items():
        lines = (json.dumps(make(row), ensure_ascii=False) + "\n" for row in found)
        (folder / DATA / f"{name}.jsonl").write_text("".join(lines), encoding="utf8")


def first_rows(folder: Path, count: int) -> list[dict[str, Any]]:
    """Return the first training rows that were written."""
    with (folder / DATA / "train.jsonl").open(encoding="utf8") as lines:
        return [json.loads(line) for line, _ in zip(lines, range(count), strict=False)]


def tokens(row: WrittenRow) -> dict[str, list[int]]:
    """Return a row as tools take one that is tokenised already."""
    return {"input_ids": row.ids, "attention_mask": [1] * len(row.ids), "labels": row.labels}


def tokenised_apart(cut: Sequence[Segment], tokenizer: Any) -> Tokens:
    """Return the tokens of segments that are tokenised one by one, and their labels."""
    ids: list[int] = []
    labels: list[int] = []
    for text, learned in cut:
        found = tokenizer(text, add_special_tokens=False)["input_ids"]
        ids += found
        labels += found if learned else [IGNORED] * len(found)
    return ids, labels


def apart_notes(rows: Mapping[str, Sequence[WrittenRow]], tokenizer: Any) -> tuple[str, ...]:
    """Say that a tool which tokenises prompts and answers apart is given tokens; nothing where it makes the same."""
    every = [row for found in rows.values() for row in found]
    odd = sum(not alike(tokenised_apart(row.text, tokenizer), row.tokens) for row in every)
    said = (
        f"The data are tokens: prompts and answers tokenised apart, as it would, {odd:,} of {len(every):,} examples "
        "would be other tokens than in trials."
    )
    return (said,) if odd else ()


def alike(one: Tokens, other: Tokens) -> bool:
    """Tell whether the same is learned from two rows; what follows the last learned token is never looked at."""
    return _learned(one) == _learned(other)


def _learned(row: Tokens) -> Tokens:
    ids, labels = row
    if not isinstance(labels, list) or len(labels) != len(ids):
        return row
    end = max((place + 1 for place, label in enumerate(labels) if label != IGNORED), default=0)
    return ids[:end], labels[:end]
