"""The feed-forward part of Llama-like layers, with a backward pass through some of its neurons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from autopeft.backbones import Anatomy

__all__ = ["Gated", "gated_in", "through_some"]

#: What transformers calls the nonlinearity.
_ACTIVATION = "act_fn"


@dataclass(frozen=True)
class Gated:
    """A feed-forward part: down(act(gate(x)) * up(x)).

    Args:
        module: The module.
        gate: Name of the matrix inside.
        up: Likewise.
        down: Likewise.
    """

    module: nn.Module
    gate: str
    up: str
    down: str

    def part(self, name: str) -> Any:
        """Return a module inside as it is now."""
        return self.module.get_submodule(name)


def gated_in(model: nn.Module, anatomy: Anatomy, layer: int) -> Gated | None:
    """Return the feed-forward part of a layer; None where it is not known to be of this form.

    Args:
        model: A model without adapters, on the meta device maybe.
        anatomy: The resolved anatomy of its backbone.
        layer: Index of the layer.
    """
    if not {"gate", "up", "down"}.issubset(anatomy.present):
        return None
    split = {role: anatomy.module(layer, role).rpartition(".") for role in ("gate", "up", "down")}
    homes = {home for home, _, _ in split.values()}
    names = {role: name for role, (_, _, name) in split.items()}
    module = model.get_submodule(homes.pop())
    if homes or {name for name, _ in module.named_children()} != {*names.values(), _ACTIVATION}:
        return None
    return Gated(module, **names)


def through_some(hidden: Tensor, gated: Gated, share: float, valid: Tensor | None) -> Tensor:
    """Return what a feed-forward part makes, exactly; its gradient goes through some of the neurons alone.

    Of each text a share of them, rounded down but one at least, with the largest norms over its tokens:
    ||act(gate)|| + ||up||. Nothing is kept of the others for the backward pass. The weights are frozen: they get no
    gradient.

    Args:
        hidden: `[batch, tokens, size]`.
        gated: The part.
        share: The share of the neurons.
        valid: Which tokens are no padding, bool `[batch, tokens]`; None where all are.
    """
    found: Tensor = _ThroughSome.apply(hidden, gated, share, valid)
    return found


class _ThroughSome(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden: Tensor, gated: Gated, share: float, valid: Tensor | None) -> Tensor:
        gate, up = gated.part(gated.gate)(hidden), gated.part(gated.up)(hidden)
        opened = gated.part(_ACTIVATION)(gate)
        if ctx.needs_input_grad[0]:
            norms = _norms(opened, valid) + _norms(up, valid)
            chosen = norms.topk(max(1, int(share * norms.shape[1] + 1e-9)), dim=1).indices
            across = chosen[:, None].expand(-1, hidden.shape[1], -1)
            ctx.save_for_backward(gate.gather(2, across), up.gather(2, across), chosen)
            ctx.gated, ctx.dtype = gated, hidden.dtype
        found: Tensor = gated.part(gated.down)(opened.mul_(up))
        return found

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, outer: Tensor) -> tuple[Tensor | None, None, None, None]:
        gates, ups, chosen = ctx.saved_tensors
        gated = ctx.gated
        into_gate, into_up, out_of = (
            gated.part(name).weight.to(outer.dtype) for name in (gated.gate, gated.up, gated.down)
        )
        activation = gated.part(_ACTIVATION)
        found = []
        for text, neurons in enumerate(chosen):
            gate, up = (each[text].detach().requires_grad_() for each in (gates, ups))
            with torch.enable_grad():
                product = activation(gate) * up
            of_gate, of_up = torch.autograd.grad(product, (gate, up), (outer[text] @ out_of[:, neurons]).to(product))
            found.append(of_gate.to(outer) @ into_gate[neurons] + of_up.to(outer) @ into_up[neurons])
        return torch.stack(found).to(ctx.dtype), None, None, None


def _norms(values: Tensor, valid: Tensor | None) -> Tensor:
    """Return the norm of each neuron over the tokens of each text, fp32 `[batch, neurons]`."""
    if valid is not None:
        values = values.masked_fill(~valid[..., None], 0.0)
    # torch's norm over any but the last dimension takes longer than a matrix product on CPUs.
    return values.float().square().sum(1).sqrt()
