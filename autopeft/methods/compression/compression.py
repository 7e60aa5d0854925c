"""What every compression is: which changes of an adapter are kept, and as what."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from autopeft.methods.compression.positions import bits, pack_positions, position_bytes, unbits, unpack_positions
from autopeft.space.vocabulary import Knob

__all__ = ["DENSITY", "NUMBER_BYTES", "Changes", "Compression", "Signs", "numbers_in"]

#: Bytes of a number, and of how many numbers there are.
NUMBER_BYTES, _COUNT = 4, 8

Changes = NDArray[np.float32]


#: The knob of the share that is kept.
DENSITY = Knob(
    "density",
    "float",
    "the share of an adapter's numbers whose changes are kept, the largest",
    default=0.2,
    range="5% | 10% | 20% | 30% | 50%",
    low=1e-6,
    high=1.0,
)


class Compression(ABC):
    """A way to keep the largest changes of a trained adapter, in few bytes.

    Attributes:
        name: Its word in configurations.
        source: The paper.
        summary: What it does, in words.
        knobs: Its knobs, `density` first.
    """

    name: ClassVar[str]
    source: ClassVar[str]
    summary: ClassVar[str]
    knobs: ClassVar[tuple[Knob, ...]] = (DENSITY,)

    @abstractmethod
    def values(self, kept: Changes, changes: Changes, knobs: Mapping[str, Any]) -> dict[str, Tensor]:
        """Return what is stored of the changes that are kept, as tensors by name.

        Args:
            kept: The changes that are kept.
            changes: All of them.
            knobs: Its knobs.
        """

    @abstractmethod
    def restored(self, stored: Mapping[str, Tensor], count: int) -> Changes:
        """Return the changes that `values` stored.

        Raises:
            ValueError: When something else is stored.
        """

    @abstractmethod
    def value_bytes(self, count: int) -> int:
        """Return the bytes of what `values` returns of so many changes."""

    def pack(self, changes: Changes, knobs: Mapping[str, Any]) -> dict[str, Tensor]:
        """Pack the changes of an adapter.

        Kept are int(n K) + 1 of n and those as large as the smallest of them, zeros aside, as the release of ComPEFT
        keeps (prateeky2806/ComPEFT, `src/bert_eval.py`); with K = 1 all, as they are.

        Args:
            changes: All changes, flat.
            knobs: Its knobs.
        """
        if knobs["density"] == 1 or not len(changes):
            return {"all": torch.from_numpy(changes)}
        large = np.abs(changes)
        last = len(large) - _kept(len(large), knobs["density"])
        least = np.partition(large, last)[last]
        positions = np.flatnonzero((large >= least) & (large > 0))
        low, high = pack_positions(positions, len(changes))
        count = torch.tensor([len(positions)])
        return {"count": count, "low": low, "high": high, **self.values(changes[positions], changes, knobs)}

    def unpack(self, packed: Mapping[str, Tensor], length: int) -> Changes:
        """Return all changes, those that were not kept as 0.

        Args:
            packed: What `pack` returned.
            length: How many changes there are.

        Raises:
            ValueError: When something else is packed.
        """
        try:
            if packed.keys() == {"all"}:
                return numbers_in(packed["all"], length)
            if not {"count", "low", "high"} <= packed.keys() or "all" in packed:
                raise ValueError(f"it holds {', '.join(sorted(packed))}")
            if packed["count"].dtype != torch.int64 or packed["count"].numel() != 1:
                raise ValueError("its count is none")
            count = int(packed["count"])
            if not 0 <= count <= length:
                raise ValueError(f"{count} of {length} numbers are packed")
            changes = np.zeros(length, dtype=np.float32)
            changes[unpack_positions(packed["low"], packed["high"], count, length)] = self.restored(packed, count)
        except (KeyError, TypeError, RuntimeError, ValueError, OverflowError) as error:
            raise ValueError(f"what is packed is not whole: {error}") from error
        return changes

    def numbers(self, length: int, knobs: Mapping[str, Any]) -> int:
        """Return how many of so many changes are kept where none are equal."""
        return _kept(length, knobs["density"]) if length else 0

    def bytes(self, length: int, knobs: Mapping[str, Any]) -> int:
        """Return the bytes that `pack` makes of so many changes where none are equal."""
        if knobs["density"] == 1 or not length:
            return NUMBER_BYTES * length
        count = _kept(length, knobs["density"])
        return _COUNT + position_bytes(count, length) + self.value_bytes(count)


class Signs(Compression):
    """A compression that keeps nothing of changes but their signs, and one size for all."""

    def values(self, kept: Changes, changes: Changes, knobs: Mapping[str, Any]) -> dict[str, Tensor]:
        """Return the signs and the size."""
        size = torch.tensor([self.size(kept, changes, knobs)], dtype=torch.float32)
        return {"signs": bits(kept > 0), "size": size}

    def restored(self, stored: Mapping[str, Tensor], count: int) -> Changes:
        """Return the size with its signs."""
        return np.where(unbits(stored["signs"], count), 1, -1).astype(np.float32) * numbers_in(stored["size"], 1)

    def value_bytes(self, count: int) -> int:
        """Return the bytes of the signs and the size."""
        return -(-count // 8) + NUMBER_BYTES

    @abstractmethod
    def size(self, kept: Changes, changes: Changes, knobs: Mapping[str, Any]) -> float:
        """Return the one size of all that are kept; arguments as of `values`."""


def numbers_in(stored: Tensor, count: int) -> Changes:
    """Return so many numbers.

    Raises:
        ValueError: When they are not so many, or no numbers.
    """
    if stored.dtype != torch.float32 or tuple(stored.shape) != (count,) or not bool(torch.isfinite(stored).all()):
        raise ValueError(f"{stored.numel()} numbers are packed, and there should be {count}, finite, in fp32")
    found: Changes = stored.numpy()
    return found


def _kept(length: int, density: float) -> int:
    return min(length, int(length * density) + 1)
