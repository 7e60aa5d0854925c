"""The examples of a task as the files that tools train on; the test split stays where it is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from autopeft.tasks import CausalTask, Task
from autopeft.tasks.causal import CALLS, TOOLS, Example, Format, encode_causal, render

__all__ = [
    "DATA",
    "SPLITS",
    "Segment",
    "Writer",
    "answers_skipped",
    "beyond_messages",
    "conversation",
    "labelled",
    "segments",
    "tokenised_apart",
    "write_data",
]

#: Folder of the files.
DATA = "data"

SPLITS = ("train", "validation")

#: A stretch of text, and whether it is learned.
Segment = tuple[str, bool]

#: Makes a row of an example.
Writer = Callable[[Example], Mapping[str, Any]]


def write_data(task: Task | CausalTask, folder: Path, row: Writer) -> None:
    """Write `data/train.jsonl` and `data/validation.jsonl`.

    Args:
        task: The data; texts of a classification task go beside the names of their labels.
        folder: Where to write.
        row: Makes the rows of a causal task.
    """
    (folder / DATA).mkdir()
    for name in SPLITS:
        rows = labelled(task, name) if isinstance(task, Task) else map(row, task.splits[name].examples)
        lines = (json.dumps(found, ensure_ascii=False) + "\n" for found in rows)
        (folder / DATA / f"{name}.jsonl").write_text("".join(lines), encoding="utf8")


def labelled(task: Task, split: str) -> Iterator[Mapping[str, Any]]:
    """Yield rows of `text`, `text2` for pairs, and `label`, which is a name."""
    found = task.splits[split]
    for text, label in zip(found.texts, found.labels, strict=True):
        texts = dict(zip(("text", "text2"), text if isinstance(text, tuple) else (text,), strict=False))
        yield {**texts, "label": task.labels[label]}


def conversation(example: Example) -> list[dict[str, Any]]:
    """Return an example as messages."""
    return [turn.message() for turn in example]


def beyond_messages(task: CausalTask) -> str | None:
    """Say what of a task's examples is more than who says what, which is all that some tools read; None for nothing."""
    turns = [turn for name in SPLITS for example in task.splits[name].examples for turn in example]
    if any(turn.role == TOOLS or CALLS in turn.told for turn in turns):
        return "its examples hold calls of tools, which its reader would fill with empty arguments"
    keys = sorted({key for turn in turns for key in turn.told})
    return f"its messages hold {', '.join(map(repr, keys))}, which it does not read" if keys else None


def answers_skipped(task: CausalTask) -> bool:
    """Tell whether some of what the assistant says is marked as not to be learned."""
    return any(turn.skipped for name in SPLITS for example in task.splits[name].examples for turn in example)


def tokenised_apart(task: CausalTask, tokenizer: Any) -> list[str]:
    """Return what there is to say of examples whose segments, tokenised one by one, are other tokens than in trials."""
    odd = total = 0
    for name in SPLITS:
        split = task.splits[name]
        whole = encode_causal(split, task.form, tokenizer).inputs["input_ids"]
        for example, ids in zip(split.examples, whole, strict=True):
            parts = [text for text, _ in segments(example, task.form, tokenizer)]
            apart = tokenizer(parts, add_special_tokens=False)["input_ids"]
            odd += [token for part in apart for token in part] != ids
            total += 1
    said = (
        f"{odd:,} of {total:,} examples are other tokens there than in trials: prompts and answers are tokenised apart"
    )
    return [said] if odd else []


def segments(example: Example, form: Format, tokenizer: Any) -> list[Segment]:
    """Return an example as the model reads it, special tokens and all, cut where learning begins and ends.

    Tokenised without adding special tokens and put together, the segments are what trials train on.
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
