"""What makes a position of a matrix worth training: the scores that choose before training begins."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from autopeft.methods.sparse.low_rank import residual, smoothed

__all__ = ["SCORES", "Score", "gathered"]

Power = Literal[1, 2]


class Score(NamedTuple):
    """A score.

    Args:
        of: The score of each weight of a matrix, from the matrix and what was gathered of its gradients.
        gathers: The power to which gradients are summed over training batches; None where none are looked at.
        says: What it is, for people.
    """

    of: Callable[[Tensor, Tensor | None], Tensor]
    gathers: Power | None
    says: str


def _given(gathered: Tensor | None) -> Tensor:
    assert gathered is not None
    return gathered


#: The scores by what spaces call them.
SCORES: Mapping[str, Score] = {
    "random": Score(lambda weight, _: torch.rand(weight.shape, device=weight.device), None, "at random"),
    "magnitude": Score(lambda weight, _: weight.detach().float().abs(), None, "the largest weights"),
    "low_rank": Score(
        lambda weight, _: smoothed(weight, max(1, min(weight.shape) // 8)).abs(),
        None,
        "the largest weights of the matrix's approximation by an eighth of its rank",
    ),
    "residual": Score(
        lambda weight, _: residual(weight).abs(), None, "the largest weights that a low-rank approximation leaves"
    ),
    "gradient": Score(
        lambda weight, squares: _given(squares), 2, "those with the largest squared gradients on a few training batches"
    ),
    "accumulated": Score(
        lambda weight, sums: _given(sums).abs(), 1, "those with the largest sum of gradients over them"
    ),
    "relative": Score(
        lambda weight, sums: _given(sums).abs() / (weight.detach().float().abs() + 1e-3),
        1,
        "those whose sum of gradients is large beside the weight",
    ),
}


def gathered(
    model: Any, names: Iterable[str], batches: Iterable[Mapping[str, Tensor]], power: Power = 2
) -> dict[str, Tensor]:
    """Sum gradients of some matrices over batches; squared, the diagonal of the empirical Fisher information.

    Args:
        model: The model, with its head as it is; left as it was.
        names: Full names of the modules.
        batches: Inputs with labels.
        power: To which gradients are raised before they are summed.

    Returns:
        For each name, an fp32 tensor of the shape of its weight.
    """
    weights = {name: model.get_submodule(name).weight for name in names}
    before = [(parameter, parameter.requires_grad) for parameter in model.parameters()]
    sums = {name: torch.zeros_like(weight, dtype=torch.float32) for name, weight in weights.items()}

    def add(to: Tensor) -> Callable[[Tensor], None]:
        def hook(weight: Tensor) -> None:
            assert weight.grad is not None
            to.add_(weight.grad.float() ** power)
            # No gradient outlives its layer's backward pass.
            weight.grad = None

        return hook

    handles = []
    try:
        for parameter, _ in before:
            parameter.requires_grad_(False)
        for name, weight in weights.items():
            weight.requires_grad_(True)
            handles.append(weight.register_post_accumulate_grad_hook(add(sums[name])))
        for batch in batches:
            model(**batch).loss.backward()
    finally:
        for handle in handles:
            handle.remove()
        for parameter, requires_grad in before:
            parameter.requires_grad_(requires_grad)
    return sums
