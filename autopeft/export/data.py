"""The examples of a task as the files that tools train on; the test split stays where it is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autopeft.export.job import ExportJob
from autopeft.tasks import Task
from autopeft.tasks.causal import IGNORED, Example, Format, encode_causal, render

__all__ = [
    "DATA",
    "SPLITS",
    "Row",
    "Segment",
    "Tokens",
    "alike",
    "apart_notes",
    "first_rows",
    "labelled",
    "rows_of",
    "segments",
    "tokenised_apart",
    "tokens",
    "write_rows",
]

#: Folder of the files.
DATA = "data"

SPLITS = ("train", "validation")

#: A stretch of text, and whether it is learned.
Segment = tuple[str, bool]

#: Tokens, and the label of each; or tokens and the label of all.
Tokens = tuple[list[int], Any]


@dataclass(frozen=True)
class Row:
    """An example as trials train on it.

    Args:
        example: The example.
        ids: Its tokens, cut at the maximum length.
        labels: At each its own id where it is learned, else `IGNORED`.
        whole: Its text, uncut.
        text: Its text as far as the tokens go.
    """

    example: Example
    ids: list[int]
    labels: list[int]
    whole: Sequence[Segment]
    text: Sequence[Segment]

    @property
    def tokens(self) -> Tokens:
        """Tokens and labels."""
        return self.ids, self.labels


def rows_of(job: ExportJob) -> dict[str, list[Row]]:
    """Return the training and validation examples of a causal task that have something left to learn once cut."""
    task, tokenizer = job.causal_task, job.backbone.tokenizer()
    found: dict[str, list[Row]] = {}
    for name in SPLITS:
        split = task.splits[name]
        inputs = encode_causal(split, task.form, tokenizer).inputs
        found[name] = []
        for example, *encoded in zip(split.examples, inputs["input_ids"], inputs["labels"], strict=True):
            ids, labels = (values[: job.setting.max_length] for values in encoded)
            # The first token follows nothing, so it is never predicted.
            if any(label != IGNORED for label in labels[1:]):
                cut = segments(example, task.form, tokenizer)
                text = cut if len(ids) == len(encoded[0]) else _until(cut, len(ids), tokenizer)
                found[name].append(Row(example, ids, labels, cut, text))
    return found


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


def labelled(task: Task) -> dict[str, Iterator[Mapping[str, Any]]]:
    """Return rows of `text`, `text2` for pairs, and `label`, which is a name, of each split."""
    return {name: _labelled(task, name) for name in SPLITS}


def _labelled(task: Task, split: str) -> Iterator[Mapping[str, Any]]:
    found = task.splits[split]
    for text, label in zip(found.texts, found.labels, strict=True):
        texts = dict(zip(("text", "text2"), text if isinstance(text, tuple) else (text,), strict=False))
        yield {**texts, "label": task.labels[label]}


def tokens(row: Row) -> dict[str, list[int]]:
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


def apart_notes(rows: Mapping[str, Sequence[Row]], tokenizer: Any) -> tuple[str, ...]:
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


def _learned(row: Tokens) -> tuple[list[int], list[int]]:
    ids, labels = row
    end = max((place + 1 for place, label in enumerate(labels) if label != IGNORED), default=0)
    return ids[:end], labels[:end]


def segments(example: Example, form: Format, tokenizer: Any) -> list[Segment]:
    """Return an example as the model reads it, special tokens and all, cut where learning begins and ends.

    Tokenised together without adding special tokens, the segments are what trials train on.
    """
    found = render(example, form, tokenizer)
    text, stretches = found.text, list(found.learned)
    if not found.templated:
        begins = tokenizer("a")["input_ids"][:1] == [tokenizer.bos_token_id]
        before = tokenizer.bos_token if begins else ""
        text, stretches = before + text, [(start + len(before), end + len(before)) for start, end in stretches]
        if tokenizer.eos_token is not None:
            start, end = stretches[-1]
            text, stretches[-1] = text + tokenizer.eos_token, (start, end + len(tokenizer.eos_token))
    cut: list[Segment] = []
    done = 0
    for start, end in stretches:
        cut += [(text[done:start], False), (text[start:end], True)]
        done = end
    return [(part, learned) for part, learned in (*cut, (text[done:], False)) if part]


def _until(cut: Sequence[Segment], count: int, tokenizer: Any) -> list[Segment]:
    """Return segments up to the end of a token; one before where the next has characters of the same letter."""
    text = "".join(part for part, _ in cut)
    places = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
    while 0 < count < len(places) and places[count][0] < places[count - 1][1]:
        count -= 1
    left = places[count - 1][1] if count else 0
    found: list[Segment] = []
    for part, learned in cut:
        found.append((part[:left], learned))
        left -= len(found[-1][0])
    return [(part, learned) for part, learned in found if part]
