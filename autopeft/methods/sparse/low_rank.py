"""Matrices without their finer directions, and what a low-rank matrix leaves of them."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["residual", "smoothed"]

#: Greedy decomposition (DSEE, `non-GPT-2` @61844c3): inner passes, rows added by each pass, threshold.
_INNER, _ROWS, _THRESHOLD = 2, 5, 0.01

#: Rank in the end, as a share of the full one: the release's after 100 passes over matrices of 768.
_SHARE = 496 / 768


def smoothed(weight: Tensor, rank: int) -> Tensor:
    """Return the best approximation of a matrix by one of some rank (Eckart-Young), fp32.

    It is the projection on the leading eigenvectors of the smaller Gram matrix, found in fp64: the SVD's, in a
    fraction of its time.

    Args:
        weight: `[outputs, inputs]`.
        rank: The rank; at or above full rank the matrix itself is returned.
    """
    matrix = weight.detach().float()
    if rank >= min(matrix.shape):
        return matrix
    tall = matrix.shape[0] > matrix.shape[1]
    double = matrix.double()
    gram = double.T @ double if tall else double @ double.T
    leading = torch.linalg.eigh(gram).eigenvectors[:, -rank:].float()
    return matrix @ leading @ leading.T if tall else leading @ (leading.T @ matrix)


def residual(weight: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Return what a greedy low-rank approximation leaves of a matrix (GreBsmo, as DSEE chooses its positions).

    Args:
        weight: `[outputs, inputs]`.
        generator: Draws the first direction.

    Returns:
        `S` of `W = UV + S + E`, fp32: entries of `W - UV` above a threshold, the others 0.
    """
    matrix = weight.detach().float()
    rows, columns = matrix.shape
    right = torch.randn(1, columns, generator=generator).to(matrix)
    while True:
        sparse = torch.zeros_like(matrix)
        for _ in range(_INNER):
            left = torch.linalg.qr((matrix - sparse) @ right.T).Q
            right = left.T @ (matrix - sparse)
            rest = matrix - left @ right
            sparse = torch.where(rest.abs() > _THRESHOLD, rest, 0.0)
        missing = matrix - left @ right - sparse
        if len(right) + _ROWS > _SHARE * min(rows, columns):
            return sparse
        right = torch.cat([right, torch.linalg.qr(missing).R[:_ROWS]])
