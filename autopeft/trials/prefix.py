"""The frozen prefix: what the layers below the lowest adapted one answer to each text, computed once.

With the backbone's dropout off these hidden states are the same in every epoch and every trial, so workers compute
them once for each backbone, split and depth, keep them in files and share those. A file's name is a hash of all that
its content depends on.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from filelock import FileLock
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from transformers import PreTrainedModel

from autopeft.backbones import Anatomy, layer_config
from autopeft.errors import AutopeftError
from autopeft.tasks import Encoded
from autopeft.trials.hardware import autocast
from autopeft.trials.kind import Batch, Feed, width_of
from autopeft.trials.skipping import Skip, output_of, skipping
from autopeft.whole_file import whole_file

__all__ = ["Activations", "PrefixCache", "feeding"]

#: Bytes of activations that one process keeps open.
MEMORY = 2**30
#: Bytes of activations that stay in the cache folder; those used longest ago go first.
DISK = 8 * 2**30


class Activations:
    """Hidden states of the texts of one split after one layer.

    Args:
        values: The hidden states of all texts, one after the other, `[tokens, hidden]`.
        lengths: Tokens of each text.
        arity: How the layer returns them, as `output_of` says.
    """

    def __init__(self, values: torch.Tensor, lengths: np.ndarray, arity: int) -> None:
        self.values = values
        self.arity = arity
        self._lengths = torch.from_numpy(lengths)
        self._starts = torch.cumsum(self._lengths, 0) - self._lengths

    @property
    def nbytes(self) -> int:
        """Size of the hidden states."""
        return self.values.nbytes

    def gather(self, rows: np.ndarray, longest: int) -> torch.Tensor:
        """Return the hidden states of a batch, `[rows, longest, hidden]`; padding repeats the last token.

        With 0 for `longest`, as many as the longest of the rows has.
        """
        chosen = torch.from_numpy(rows)
        longest = longest or int(self._lengths[chosen].max())
        offsets = torch.minimum(torch.arange(longest), self._lengths[chosen, None] - 1)
        return self.values[self._starts[chosen, None] + offsets]


class PrefixCache:
    """The activations of one split below any depth.

    Args:
        model: The model without adapters, in eval mode on its device.
        anatomy: Its resolved anatomy.
        encoded: The texts.
        groups: Rows of the texts that are run together.
        collate: Makes the batch of some rows.
        precision: `bf16` or `fp32`.
        identity: What tells the backbone from others.
        folder: Where files go.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        anatomy: Anatomy,
        encoded: Encoded,
        groups: Sequence[np.ndarray],
        *,
        collate: Callable[[np.ndarray], Batch],
        precision: str,
        identity: Mapping[str, str],
        folder: Path,
    ) -> None:
        self._model = model
        self._anatomy = anatomy
        self._encoded = encoded
        self._groups = groups
        self._collate = collate
        self._precision = precision
        self._folder = folder
        self._open: OrderedDict[int, Activations] = OrderedDict()
        self._key = self._hash(identity)

    def fits(self) -> bool:
        """Tell whether the activations of one depth are small enough to keep, whatever their type."""
        config: Any = layer_config(self._model)
        return int(self._encoded.lengths.sum()) * int(config.hidden_size) * 4 <= MEMORY // 2

    def at(self, depth: int) -> Activations:
        """Return the activations after the lowest layers, from memory, a file or the model.

        Args:
            depth: How many layers, at least 1.
        """
        if depth not in self._open:
            self._open[depth] = self._load(depth)
        self._open.move_to_end(depth)
        while len(self._open) > 1 and sum(each.nbytes for each in self._open.values()) > MEMORY:
            self._open.popitem(last=False)
        return self._open[depth]

    def _load(self, depth: int) -> Activations:
        path = self._folder / f"{self._key}-{depth}.safetensors"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with FileLock(path.with_suffix(".lock")):
                # Another worker may have been faster; what is damaged is made anew.
                found = _read(path, self._encoded.lengths)
                if found is None:
                    _write(path, self._compute(depth))
                    _evict(self._folder, keep=path)
                    found = _read(path, self._encoded.lengths)
            os.utime(path)
        except (OSError, AutopeftError):
            found = None
        # A full or read-only disk costs time, not the trial.
        return self._compute(depth) if found is None else found

    def _compute(self, depth: int) -> Activations:
        """Run the model up to a depth, from the highest depth below it that is there already."""
        lower = max((known for known in self._open if known < depth), default=0)
        device = next(self._model.parameters()).device
        pieces: list[torch.Tensor] = [torch.empty(0)] * len(self._encoded)
        arity = 0
        with torch.no_grad(), feeding(self._model, self._anatomy, lower, self) as (feed,):
            for rows in self._groups:
                batch = self._collate(rows)
                inputs = {name: value.to(device) for name, value in batch.items() if name != "labels"}
                feed(rows, width_of(inputs))
                with autocast(device, self._precision):
                    hidden, arity = output_of(self._model, self._anatomy, depth - 1, inputs)
                for row, length, states in zip(rows, self._encoded.lengths[rows], hidden.cpu(), strict=True):
                    pieces[row] = states[:length].clone()
        return Activations(torch.cat(pieces), self._encoded.lengths, arity)

    def _hash(self, identity: Mapping[str, str]) -> str:
        """Hash all that the activations depend on."""
        config = self._model.config
        device = next(self._model.parameters()).device.type
        versions = (torch.__version__, transformers.__version__)
        facts = [dict(identity), self._precision, config._attn_implementation, device, *versions]
        found = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
        for part in self._encoded.digested():
            found.update(part)
        return found.hexdigest()[:32]


@contextmanager
def feeding(model: PreTrainedModel, anatomy: Anatomy, depth: int, *caches: PrefixCache) -> Iterator[list[Feed]]:
    """Leave out the lowest layers of a model; yield for each split what to call before each forward pass.

    Args:
        model: The model, with or without adapters above `depth`.
        anatomy: Its resolved anatomy.
        depth: How many layers; with 0 nothing is left out and the calls do nothing.
        caches: Of the splits; their `at(depth)` was called when the model had no adapters.
    """
    if depth == 0:
        yield [_ignore for _ in caches]
        return
    device = next(model.parameters()).device
    known = [cache.at(depth) for cache in caches]
    with skipping(model, anatomy, depth, known[0].arity) as skip:
        yield [partial(_set, skip, each, device) for each in known]


def _ignore(rows: np.ndarray, longest: int) -> None:
    pass


def _set(skip: Skip, known: Activations, device: torch.device, rows: np.ndarray, longest: int) -> None:
    skip.hidden = known.gather(rows, longest).to(device, non_blocking=True)


def _write(path: Path, activations: Activations) -> None:
    with whole_file(path) as partial:
        save_file({"values": activations.values}, partial, metadata={"arity": str(activations.arity)})


def _read(path: Path, lengths: np.ndarray) -> Activations | None:
    """Map a file into memory, whose pages workers share; None where it is not there, or damaged."""
    try:
        with safe_open(path, framework="pt") as file:
            values, arity = file.get_tensor("values"), int(file.metadata()["arity"])
    except (OSError, SafetensorError, TypeError, KeyError, ValueError):
        return None
    return Activations(values, lengths, arity) if len(values) == lengths.sum() else None


def _evict(folder: Path, keep: Path) -> None:
    """Delete the files used longest ago until the rest is small enough."""
    found = [(path.stat().st_mtime, path.stat().st_size, path) for path in folder.glob("*.safetensors")]
    total = sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if total <= DISK:
            return
        if path != keep:
            path.unlink(missing_ok=True)
            total -= size
