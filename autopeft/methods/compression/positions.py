"""Sorted positions in few bits, as many as their number and the length alone say.

Few positions are packed as Elias (1974) and Fano (1971) do; many as a flag for each place there is.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["bits", "pack_positions", "position_bytes", "unbits", "unpack_positions"]


def pack_positions(positions: NDArray[np.int64], length: int) -> tuple[Tensor, Tensor]:
    """Pack positions: their low bits as they are, and how many share the high ones, in unary; or a flag for each place.

    Args:
        positions: Rising positions, each below `length`.
        length: Of what they are positions in.

    Returns:
        Two tensors of bytes, of `position_bytes` together.
    """
    if _flagged(len(positions), length):
        flags = np.zeros(length, dtype=bool)
        flags[positions] = True
        return bits(flags[:0]), bits(flags)
    split = _split(len(positions), length)
    low = (positions[:, None] >> np.arange(split)) & 1
    high = np.zeros(_high_bits(len(positions), length), dtype=bool)
    high[(positions >> split) + np.arange(len(positions))] = True
    return bits(low.astype(bool).ravel()), bits(high)


def unpack_positions(low: Tensor, high: Tensor, count: int, length: int) -> NDArray[np.int64]:
    """Return the positions that `pack_positions` packed.

    Args:
        low: The first tensor of two.
        high: The second.
        count: How many there are.
        length: Of what they are positions in.

    Raises:
        ValueError: When the tensors hold something else.
    """
    if _flagged(count, length):
        places = np.flatnonzero(unbits(high, length))
        if len(places) != count:
            raise ValueError(f"{len(places)} positions are packed, and there should be {count}")
        return places
    split = _split(count, length)
    tops = np.flatnonzero(unbits(high, _high_bits(count, length)))
    if len(tops) != count:
        raise ValueError(f"{len(tops)} positions are packed, and there should be {count}")
    bottoms = unbits(low, count * split).reshape(count, split).astype(np.int64) @ (1 << np.arange(split))
    found: NDArray[np.int64] = ((tops - np.arange(count)) << split) + bottoms
    if count and (found[-1] >= length or (np.diff(found) <= 0).any()):
        raise ValueError("the positions that are packed do not rise, or lead outside")
    return found


def position_bytes(count: int, length: int) -> int:
    """Return the bytes of so many packed positions."""
    if _flagged(count, length):
        return -(-length // 8)
    return -(-count * _split(count, length) // 8) + -(-_high_bits(count, length) // 8)


def bits(flags: NDArray[np.bool_]) -> Tensor:
    """Pack flags, eight a byte."""
    return torch.from_numpy(np.packbits(flags))


def unbits(packed: Tensor, count: int) -> NDArray[np.bool_]:
    """Return so many flags that `bits` packed.

    Raises:
        ValueError: When there are not so many.
    """
    if packed.dtype != torch.uint8 or packed.numel() != -(-count // 8):
        raise ValueError(f"{packed.numel()} bytes are there for {count} bits")
    return np.unpackbits(packed.numpy(), count=count).astype(bool)


def _flagged(count: int, length: int) -> bool:
    """Tell whether a flag for each place takes less."""
    return count * _split(count, length) + _high_bits(count, length) >= length


def _split(count: int, length: int) -> int:
    """Return how many low bits are kept as they are: the log of the mean distance."""
    return max(0, (length // count).bit_length() - 1) if count else 0


def _high_bits(count: int, length: int) -> int:
    return count + (length >> _split(count, length)) + 1
