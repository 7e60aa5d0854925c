"""ComPEFT, and the two simpler ways that its authors hold against it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from typing_extensions import override

from autopeft.methods.compression.compression import DENSITY, NUMBER_BYTES, Changes, Compression, Signs, numbers_in
from autopeft.space.vocabulary import Knob

__all__ = ["ComPeft", "Pruned", "SignedMeans"]


class ComPeft(Signs):
    """The signs of the largest changes, times a factor and the standard deviation of all (Yadav et al. 2023)."""

    name = "compeft"
    source = "Yadav et al. 2023, arXiv:2311.13171"
    summary = "the signs of the largest changes, of one size: a factor times the standard deviation of all"
    knobs = (
        DENSITY,
        Knob(
            "scale",
            "float",
            "what the size is, in standard deviations of all changes",
            default=1.0,
            range="0.5 | 1 | 2 | 3 | 4 | 5 | 6 | 8 | 10",
            low=1e-3,
            high=1e3,
        ),
    )

    @override
    def size(self, kept: Changes, changes: Changes, knobs: Mapping[str, Any]) -> float:
        """Return so many standard deviations, the unbiased ones."""
        return float(knobs["scale"] * np.std(changes.astype(np.float64), ddof=1)) if len(changes) > 1 else 0.0


class SignedMeans(Signs):
    """The signs of the largest changes, times their mean magnitude, as STC has it (Sattler et al. 2019)."""

    name = "stc"
    source = "Sattler et al. 2019, arXiv:1903.02891"
    summary = "the signs of the largest changes, of one size: their mean magnitude"

    @override
    def size(self, kept: Changes, changes: Changes, knobs: Mapping[str, Any]) -> float:
        """Return the mean magnitude of what is kept."""
        return float(np.abs(kept.astype(np.float64)).mean()) if len(kept) else 0.0


class Pruned(Compression):
    """The largest changes as they are."""

    name = "pruned"
    source = "a baseline of Yadav et al. 2023, arXiv:2311.13171"
    summary = "the largest changes as they are"

    @override
    def values(self, kept: Changes, changes: Changes, knobs: Mapping[str, Any]) -> dict[str, Tensor]:
        """Return the changes."""
        return {"values": torch.from_numpy(kept)}

    @override
    def restored(self, stored: Mapping[str, Tensor], count: int) -> Changes:
        """Return the changes."""
        return numbers_in(stored["values"], count)

    @override
    def value_bytes(self, count: int) -> int:
        """Return the bytes of the changes."""
        return NUMBER_BYTES * count
