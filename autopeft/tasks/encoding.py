"""Tokenise once, then make batches of similar lengths."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from autopeft.tasks.texts import LabelledTexts

if TYPE_CHECKING:
    import torch

__all__ = [
    "IGNORED",
    "Encoded",
    "batches",
    "choose_max_length",
    "collate",
    "encode",
    "grouped",
    "pad_id_of",
    "token_lengths",
]

#: Label of a token at which nothing is learned, as torch and transformers have it.
IGNORED = -100

#: Batches per chunk: texts are shuffled, then sorted by length in a chunk. Larger chunks pad less, mix less.
_CHUNK = 16

#: The default maximum length spares this share of the texts any cut ...
_UNCUT = 0.995
#: ... but is at most this: attention and memory grow with it, and trials are short.
_LONGEST_DEFAULT = 128


@dataclass(frozen=True)
class Encoded:
    """A tokenised split.

    Args:
        inputs: For each input of the model (`input_ids`, perhaps `token_type_ids`), one list of ints a row; with
            `labels` where each token has its own.
        labels: What is to be told of each row, `[n]` or `[n, ...]`: of classes their numbers, int64; None where each
            token has its own.
        truncated: Share of the texts that were cut to the maximum length.
        dropped: Texts left out because the cut left nothing of them to learn.
        example: Where an example has several rows, the number of that of each row, rising from 0: int64 `[n]`.
        kept: Where some were left out, the numbers of those of the split that are here, rising: int64 `[n]`.
    """

    inputs: dict[str, list[list[int]]]
    labels: np.ndarray | None
    truncated: float = 0.0
    dropped: int = 0
    example: np.ndarray | None = None
    kept: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.inputs["input_ids"])

    @property
    def examples(self) -> int:
        """How many examples the rows belong to."""
        if self.example is None or not len(self.example):
            return len(self)
        return int(self.example[-1]) + 1

    def rows_of(self, examples: np.ndarray) -> np.ndarray:
        """Return the rows of some examples, int64; in the order of the examples."""
        if self.example is None:
            return examples
        ends = np.searchsorted(self.example, examples, side="right")
        starts = np.searchsorted(self.example, examples)
        return np.concatenate([np.empty(0, np.int64), *map(np.arange, starts, ends)])

    def some(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Draw examples, so many at most; return their rows, rising."""
        return self.rows_of(np.sort(rng.permutation(self.examples)[:count]))

    def longest(self, count: int) -> tuple[np.ndarray, int]:
        """Return the rows of the longest examples, so many at most, and how many those are."""
        lengths = self.lengths
        if self.example is not None:
            lengths = np.maximum.reduceat(lengths, np.searchsorted(self.example, np.arange(self.examples)))
        chosen = np.argsort(lengths, kind="stable")[-count:]
        return self.rows_of(chosen), len(chosen)

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each row, int64 `[n]`."""
        return np.fromiter((len(ids) for ids in self.inputs["input_ids"]), np.int64, len(self))

    def digested(self) -> Iterator[bytes]:
        """Yield what tells these rows from others, their labels aside."""
        for name, values in sorted(self.inputs.items()):
            yield name.encode()
            yield np.concatenate([np.asarray(each, np.int64) for each in values]).tobytes()
        yield self.lengths.tobytes()

    def take(self, indices: Sequence[int] | np.ndarray) -> Encoded:
        """Return the rows at the indices, in their order; those of an example together, their numbers rising anew."""
        picked = [int(index) for index in indices]
        inputs = {key: [values[i] for i in picked] for key, values in self.inputs.items()}
        labels = None if self.labels is None else self.labels[picked]
        example = None
        if self.example is not None:
            chosen, rows = self.example[picked], np.asarray(picked, np.int64)
            # An example that is there again begins again with its first row.
            begins = (np.diff(chosen, prepend=chosen[:1]) != 0) | (np.diff(rows, prepend=rows[:1] - 1) <= 0)
            example = np.cumsum(begins)
        return Encoded(inputs, labels, self.truncated, self.dropped, example)


def pad_id_of(tokenizer: Any) -> int:
    """Return the token id to pad with; the end token, or 0, for what has none."""
    for name in ("pad_token_id", "eos_token_id"):
        token_id = getattr(tokenizer, name, None)
        if token_id is not None:
            return int(token_id)
    return 0


def _tokenise(split: LabelledTexts, tokenizer: Any, max_length: int | None) -> dict[str, list[list[int]]]:
    """Run the tokenizer over a split; no padding."""
    pair = bool(len(split)) and isinstance(split.texts[0], tuple)
    columns = [list(column) for column in zip(*split.texts, strict=True)] if pair else [list(split.texts)]
    found = tokenizer(
        *columns,
        truncation=max_length is not None,
        max_length=max_length,
        return_attention_mask=False,
        verbose=False,  # texts beyond the model's limit are cut later
    )
    return {key: found[key] for key in ("input_ids", "token_type_ids") if key in found}


def token_lengths(split: LabelledTexts, tokenizer: Any) -> np.ndarray:
    """Return the uncut number of tokens of each text, int64 `[n]`."""
    ids = _tokenise(split, tokenizer, None)["input_ids"]
    return np.fromiter((len(tokens) for tokens in ids), np.int64, len(ids))


def choose_max_length(lengths: np.ndarray, longest: int = _LONGEST_DEFAULT) -> int:
    """Choose the maximum length of a task.

    Args:
        lengths: Tokens of each training text.
        longest: Largest value to choose.

    Returns:
        The 99.5th percentile rounded up to a multiple of 8, at most `longest`.
    """
    wanted = int(np.quantile(lengths, _UNCUT, method="higher"))
    return min(-(-wanted // 8) * 8, longest)


def encode(split: LabelledTexts, tokenizer: Any, max_length: int, kind: type[np.generic] = np.int64) -> Encoded:
    """Tokenise a split.

    Args:
        split: The texts, single or pairs.
        tokenizer: A tokenizer of transformers; it needs no pad token.
        max_length: Texts are cut to this many tokens (of a pair, the longer text first).
        kind: Type of the labels.
    """
    inputs = _tokenise(split, tokenizer, None)
    cut = sum(len(ids) > max_length for ids in inputs["input_ids"])
    if cut:
        inputs = _tokenise(split, tokenizer, max_length)
    # A tokenizer without special tokens makes nothing of some texts (only zero-width characters, say).
    pad = pad_id_of(tokenizer)
    for key, values in inputs.items():
        inputs[key] = [ids or [pad if key == "input_ids" else 0] for ids in values]
    return Encoded(inputs, np.asarray(split.labels, dtype=kind), cut / max(1, len(split)))


def batches(
    encoded: Encoded, batch_size: int, pad_id: int, rng: np.random.Generator | None = None
) -> list[dict[str, torch.Tensor]]:
    """Make the batches of one epoch; arguments as for `grouped`, results as of `collate`."""
    return [collate(encoded, rows, pad_id) for rows in grouped(encoded, batch_size, rng)]


def grouped(encoded: Encoded, batch_size: int, rng: np.random.Generator | None = None) -> list[np.ndarray]:
    """Choose which texts go together in one epoch.

    Args:
        encoded: The texts.
        batch_size: Texts a batch; the last may hold fewer.
        rng: Shuffles texts and batches, keeping like lengths together. None sorts by length, for measuring.

    Returns:
        Rows of the texts, batch by batch; each occurs once.
    """
    lengths = encoded.lengths
    if rng is None:
        order = np.argsort(lengths, kind="stable")
    else:
        order = rng.permutation(len(encoded))
        chunk = _CHUNK * batch_size
        parts = [order[i : i + chunk] for i in range(0, len(order), chunk)]
        order = np.concatenate([part[np.argsort(lengths[part], kind="stable")] for part in parts])
    groups = [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
    if rng is not None:
        groups = [groups[i] for i in rng.permutation(len(groups))]
    return groups


def collate(encoded: Encoded, group: np.ndarray, pad_id: int) -> dict[str, torch.Tensor]:
    """Pad the texts of a batch on the right, to the longest of them.

    Args:
        encoded: The texts.
        group: Rows of those in the batch.
        pad_id: Token id that fills short texts (masked out).

    Returns:
        `input_ids`, `attention_mask`, perhaps `token_type_ids` (int64, `[batch, longest]`) and `labels` (int64,
        `[batch]`; `[batch, longest]`, filled with `IGNORED`, where each token has its own).
    """
    import torch  # tasks are named, listed and loaded without it

    rows = {key: [values[i] for i in group] for key, values in encoded.inputs.items()}
    longest = max(len(ids) for ids in rows["input_ids"])
    batch: dict[str, torch.Tensor] = {}
    for key, values in rows.items():
        fill = {"input_ids": pad_id, "labels": IGNORED}.get(key, 0)
        batch[key] = torch.tensor([ids + [fill] * (longest - len(ids)) for ids in values])
    lengths = torch.tensor([len(ids) for ids in rows["input_ids"]])
    batch["attention_mask"] = (torch.arange(longest) < lengths[:, None]).long()
    if encoded.labels is not None:
        batch["labels"] = torch.from_numpy(encoded.labels[group])
    return batch
