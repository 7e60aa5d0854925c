"""Leave out the lowest layers of a model: take their result from elsewhere, or only compute it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from transformers import PreTrainedModel

from autopeft.backbones import Anatomy
from autopeft.trials.hardware import autocast

__all__ = ["Skip", "can_skip", "output_of", "skipping"]

#: Differences that are rounding, in fp32.
_ROUNDING = 1e-4


class Skip:
    """What the layers left out answer in the next forward pass; one for which nothing is set computes them all.

    Attributes:
        hidden: Hidden states after the layers left out, `[batch, longest, hidden]`.
    """

    hidden: torch.Tensor | None = None


class _ReachedError(Exception):
    """The layer in question has answered."""


@contextmanager
def skipping(model: PreTrainedModel, anatomy: Anatomy, depth: int, arity: int) -> Iterator[Skip]:
    """Leave out the lowest layers of a model in the forward passes within for which `hidden` is set.

    Embeddings and masks are computed as ever, as upper layers may take masks and positions from them.

    Args:
        model: The model; its modules are those it has without adapters below `depth`.
        anatomy: Its resolved anatomy.
        depth: How many layers.
        arity: What `output_of` said of the highest of them.
    """
    skip = Skip()

    def answering(compute: Callable[..., Any], highest: bool) -> Callable[..., Any]:
        def answer(*args: Any, **kwargs: Any) -> Any:
            if skip.hidden is None:
                return compute(*args, **kwargs)
            hidden = skip.hidden
            if highest:
                skip.hidden = None
            return (hidden, *[None] * (arity - 1)) if arity else hidden

        return answer

    layers = [model.get_submodule(anatomy.layer(index)) for index in range(depth)]
    for index, layer in enumerate(layers):
        object.__setattr__(layer, "forward", answering(layer.forward, index == depth - 1))
    try:
        yield skip
    finally:
        for layer in layers:
            layer.__dict__.pop("forward", None)


@torch.no_grad()
def can_skip(model: PreTrainedModel, anatomy: Anatomy, inputs: Mapping[str, torch.Tensor], precision: str) -> bool:
    """Tell whether a model answers the same when its lowest layer is left out and its hidden states are given.

    It is tried where layers hand on more than hidden states: those above may need it of those below.

    Args:
        model: The model without adapters, in eval mode.
        anatomy: Its resolved anatomy.
        inputs: A few inputs, on the model's device.
        precision: `bf16` or `fp32`.
    """
    with autocast(next(model.parameters()).device, precision):
        hidden, arity = output_of(model, anatomy, 0, dict(inputs))
        if arity <= 1:
            return True
        expected = _first(model(**inputs))
        try:
            with skipping(model, anatomy, 1, arity) as skip:
                skip.hidden = hidden
                found = _first(model(**inputs))
        except (RuntimeError, AttributeError, TypeError, IndexError):
            return False
    return torch.allclose(found, expected, atol=_ROUNDING, rtol=_ROUNDING)


def _first(output: Any) -> torch.Tensor:
    """Return the first tensor of what a model answers: logits, or hidden states."""
    found: torch.Tensor = output[0]
    return found


def output_of(
    model: PreTrainedModel, anatomy: Anatomy, layer: int, inputs: dict[str, torch.Tensor]
) -> tuple[torch.Tensor, int]:
    """Run a model up to a layer and no further.

    Args:
        model: The model.
        anatomy: Its resolved anatomy.
        layer: Index of the layer.
        inputs: Inputs of the model.

    Returns:
        The hidden states after the layer, and how the layer returns them: 0 for bare, else the length of the tuple
        of which they are the first.
    """
    caught: list[Any] = []

    def catch(_module: Any, _inputs: Any, output: Any) -> None:
        caught.append(output)
        raise _ReachedError

    handle = model.get_submodule(anatomy.layer(layer)).register_forward_hook(catch)
    try:
        model(**inputs)
    except _ReachedError:
        pass
    finally:
        handle.remove()
    output = caught[0]
    return (output[0], len(output)) if isinstance(output, tuple) else (output, 0)
