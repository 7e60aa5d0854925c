"""What a search would read of a task's data, as plain data: rows, drops, labels, lengths, examples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np

from autopeft.tasks.causal import CausalTask, encode_causal
from autopeft.tasks.encoding import IGNORED, token_lengths
from autopeft.tasks.task import Task

__all__ = ["overview"]

#: Examples that are shown.
_SHOWN = 3


def overview(task: Task | CausalTask, tokenizer: Any = None) -> dict[str, Any]:
    """Return what there is to see of a task before anything trains, as JSON data.

    Args:
        task: The data.
        tokenizer: A tokenizer of transformers; without one lengths are counted in characters, and what decoders learn
            is not marked.

    Returns:
        `task`, `metric`, `kind`; `sources` with the account of each source's rows; `splits` with the examples of each
        and, of classes, the texts of each label; `lengths` of the training examples; `examples`, of a decoder's, as
        stretches with their tokens, each `learned` or not.
    """
    causal = isinstance(task, CausalTask)
    return {
        "task": task.name,
        "kind": "causal" if causal else "classification",
        "metric": task.metric,
        "fingerprint": task.fingerprint,
        "sources": {split: intake.to_dict() for split, intake in task.intake.items()},
        "notes": list(task.notes),
        "splits": {name: {"examples": len(split)} for name, split in task.splits.items()},
        **(_of_causal(task, tokenizer) if isinstance(task, CausalTask) else _of_classes(task, tokenizer)),
    }


def _of_classes(task: Task, tokenizer: Any) -> dict[str, Any]:
    counts = {name: Counter(split.labels) for name, split in task.splits.items()}
    labels = {
        label: {name: count[number] for name, count in counts.items()} for number, label in enumerate(task.labels)
    }
    texts = task.train.texts
    lengths = (
        [len(text) if isinstance(text, str) else sum(map(len, text)) for text in texts]
        if tokenizer is None
        else token_lengths(task.train, tokenizer)
    )
    return {
        "labels": labels,
        "lengths": _lengths(lengths, tokenizer),
        "examples": [
            {"text": text, "label": task.labels[label]}
            for text, label in zip(texts[:_SHOWN], task.train.labels[:_SHOWN], strict=True)
        ],
    }


def _of_causal(task: CausalTask, tokenizer: Any) -> dict[str, Any]:
    if tokenizer is None:
        characters = [sum(len(turn.content) for turn in example) for example in task.train.examples]
        shown = [[turn.message() for turn in example] for example in task.train.examples[:_SHOWN]]
        return {"form": task.form.describe(), "lengths": _lengths(characters, None), "examples": shown}
    encoded = encode_causal(task.train, task.form, tokenizer)
    rows = zip(encoded.inputs["input_ids"][:_SHOWN], encoded.inputs["labels"][:_SHOWN], strict=True)
    return {
        "form": task.form.describe(),
        "lengths": _lengths(encoded.lengths, tokenizer),
        "examples": [_stretches(ids, labels, tokenizer) for ids, labels in rows],
    }


def _stretches(ids: Sequence[int], labels: Sequence[int], tokenizer: Any) -> list[dict[str, Any]]:
    """Return an example as stretches that are learned or not."""
    found = []
    for learned, group in groupby(zip(ids, labels, strict=True), lambda pair: pair[1] != IGNORED):
        tokens = [token for token, _ in group]
        found.append(
            {
                "learned": learned,
                "text": tokenizer.decode(tokens),
                "tokens": [{"id": token, "text": tokenizer.decode([token])} for token in tokens],
            }
        )
    return found


def _lengths(lengths: Sequence[int] | np.ndarray, tokenizer: Any) -> dict[str, Any]:
    values = np.asarray(lengths)
    return {
        "unit": "characters" if tokenizer is None else "tokens",
        "shortest": int(values.min()),
        "median": float(np.median(values)),
        "95th percentile": float(np.quantile(values, 0.95, method="higher")),
        "longest": int(values.max()),
    }
