"""A frozen matrix with trained changes at some of its positions, as one linear map."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import linear

__all__ = ["Watch", "changed_linear"]

#: Sees the dense gradient of a matrix, and the matrix as it is now, while its layer's backward pass lasts.
Watch = Callable[[Tensor, Tensor], None]

#: Up to one trained weight in so many, gradients are read off single products instead of the dense gradient.
_FEW = 64

#: Inputs of which at most one column in so many is read are kept as these columns, others whole: several layers often
#: share them.
_NARROW = 2


def changed_linear(
    x: Tensor, weight: Tensor, bias: Tensor | None, values: Tensor, positions: Tensor, watch: Watch | None = None
) -> Tensor:
    """Multiply by a matrix that is changed at some positions; nothing dense is kept for the backward pass.

    Args:
        x: Inputs `[..., inputs]`.
        weight: The frozen matrix `[outputs, inputs]`.
        bias: The frozen bias `[outputs]`.
        values: The changes `[n]`, which may train.
        positions: Where they are in the flattened matrix, int64 `[n]`, each once.
        watch: Called in the backward pass with the dense gradient; without it that is not computed where there are
            few changes.

    Returns:
        Outputs `[..., outputs]`.
    """
    device = x.device.type
    if not torch.is_autocast_enabled(device):
        found: Tensor = _ChangedLinear.apply(x, weight, bias, values, positions, watch)
        return found
    kind = torch.get_autocast_dtype(device)
    with torch.autocast(device, enabled=False):
        half: Tensor = _ChangedLinear.apply(x.to(kind), weight, bias, values, positions, watch)
    return half


class _ChangedLinear(torch.autograd.Function):
    """Composes the changed matrix in both passes; kept are the changes, and of the inputs what is read."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, values: Tensor, positions: Tensor, watch: Watch | None
    ) -> Tensor:
        ctx.few = watch is None and len(positions) * _FEW <= weight.numel()
        kept = _read(x, positions) if ctx.few and ctx.needs_input_grad[3] else (x, positions)
        ctx.save_for_backward(*kept, weight, values, positions)
        ctx.watch = watch
        bias = None if bias is None else bias.to(x.dtype)
        if weight.dtype in (torch.bfloat16, torch.float16):
            # Beside weights of half precision small changes would be rounded away.
            return linear(x, weight.to(x.dtype), bias) + linear(x, _alone(weight, values, positions).to(x.dtype))
        return linear(x, _composed(weight, values, positions).to(x.dtype), bias)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, columns, weight, values, positions = ctx.saved_tensors
        (gradient,) = gradients
        composed = _composed(weight, values, positions)
        of_x = gradient @ composed.to(gradient.dtype) if ctx.needs_input_grad[0] else None
        of_values = None
        if ctx.needs_input_grad[3]:
            inputs, outputs = x.flatten(end_dim=-2), gradient.flatten(end_dim=-2)
            if ctx.few:
                of_values = _products(inputs, outputs, columns, positions // weight.shape[1])
            else:
                dense = (outputs.T @ inputs).float()
                of_values = dense.flatten()[positions]
                if ctx.watch is not None:
                    ctx.watch(dense, composed)
            of_values = of_values.to(values.dtype)
        return of_x, None, None, of_values, None, None


def _composed(weight: Tensor, values: Tensor, positions: Tensor) -> Tensor:
    """Return the changed matrix, in the type of the frozen one."""
    return weight.flatten().scatter_add(0, positions, values.to(weight.dtype)).view_as(weight)


def _alone(weight: Tensor, values: Tensor, positions: Tensor) -> Tensor:
    """Return the changes as a matrix."""
    return (
        torch.zeros(weight.numel(), dtype=values.dtype, device=values.device)
        .scatter_(0, positions, values)
        .view(weight.shape)
    )


def _read(x: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
    """Return the inputs that the gradients at some positions are read off, and the column of each there."""
    columns = positions % x.shape[-1]
    read, among = columns.unique(return_inverse=True)
    if _NARROW * len(read) > x.shape[-1]:
        return x, columns
    return x.index_select(-1, read), among


def _products(inputs: Tensor, outputs: Tensor, columns: Tensor, rows: Tensor) -> Tensor:
    """Return the gradient at some positions, without the others.

    Args:
        inputs: What went in, or what of it is read, `[tokens, columns]`.
        outputs: The gradient of what came out, `[tokens, rows]`.
        columns: Those of the positions in `inputs`, `[n]`.
        rows: Those of the positions in `outputs`, `[n]`.

    Returns:
        fp32 `[n]`.
    """
    found = torch.empty(len(columns), dtype=torch.float32, device=inputs.device)
    # Transposed, what is read lies together; in pieces, so that no more is held than the dense gradient would take.
    read_in, read_out = inputs.T.contiguous(), outputs.T.contiguous()
    piece = max(1, inputs.shape[1] * outputs.shape[1] // max(1, len(inputs)))
    for start in range(0, len(columns), piece):
        some = slice(start, start + piece)
        found[some] = torch.einsum("nt,nt->n", read_out[rows[some]].float(), read_in[columns[some]].float())
    return found
