"""A task head that reads, beside what it always reads, what queries found in the layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn.functional import linear, normalize

from autopeft.errors import ConfigurationError

__all__ = ["NAME", "ReadOut", "read_beside"]

#: The parameter of the head that reads them, `outputs x features`.
NAME = "read_out"

#: The attribute of the head that holds what they find.
_FOUND = "reads_beside"


def read_beside(head: nn.Module) -> list[torch.Tensor]:
    """Return what a head is about to read beside its inputs, `batch x features` each; for hooks before its forward."""
    found: ReadOut | None = getattr(head, _FOUND, None)
    return [] if found is None else found.seen()


class ReadOut:
    """What the queries of layers find in one forward pass, on its way to the head.

    Args:
        order: Names of the layers, from the lowest up.
    """

    def __init__(self, order: Sequence[str]) -> None:
        self._order = tuple(order)
        self._found: dict[str, torch.Tensor] = {}
        self._head: nn.Linear | None = None
        self._hooks: tuple[Any, ...] = ()

    def __deepcopy__(self, memo: Mapping[int, Any]) -> ReadOut:
        # PEFT trains a copy of the head; what it reads is the same.
        return self

    def put(self, layer: str, read: torch.Tensor) -> None:
        """Take what the queries of a layer found, `batch x queries x d`, divided by its norm."""
        self._found[layer] = normalize(read.flatten(1), dim=1)

    @property
    def waits(self) -> bool:
        """Whether queries found something that the head has not read yet."""
        return bool(self._found)

    def seen(self) -> list[torch.Tensor]:
        """Return what was found and not read yet; see `take`."""
        return [self._found[layer] for layer in self._order if layer in self._found]

    def take(self) -> list[torch.Tensor]:
        """Return what was found, `batch x queries * d` of each layer, and let go of it."""
        found, self._found = self._found, {}
        return [found[layer] for layer in self._order]

    def into(self, head: nn.Module, inputs: int) -> None:
        """Let a head read it, with weights as Kaiming initialisation has them by the number of outputs.

        Args:
            head: The last linear layer of the head.
            inputs: How many numbers all layers find together.

        Raises:
            ValueError: Other queries are read there already, or the head is no plain linear layer.
        """
        if hasattr(head, NAME):
            raise ValueError("the task head reads other queries already; expected one adapter of them")
        if type(head) is not nn.Linear:
            raise ValueError(
                "the task head is not one of classes, but tells numbers in a unit of their own; expected another method"
            )
        # As in the matrix whose columns it continues, in which the number of outputs is that of rows.
        weight = head.weight.new_empty(head.out_features, inputs)
        head.register_parameter(NAME, nn.Parameter(nn.init.kaiming_normal_(weight, mode="fan_out")))
        setattr(head, _FOUND, self)
        self._head = head
        self._hooks = (
            head.register_forward_pre_hook(partial(_divided, self)),
            head.register_forward_hook(partial(_more, self)),
        )

    def detach(self) -> None:
        """Take it out of the head."""
        if self._head is not None:
            for hook in self._hooks:
                hook.remove()
            delattr(self._head, NAME)
            delattr(self._head, _FOUND)
            self._head = None


def _divided(found: ReadOut, head: nn.Module, args: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor] | None:
    """Return what the head reads divided by its norm; None, which leaves it as it is, where nothing was found."""
    if not found.waits:
        return None
    if args[0].ndim != 2:
        raise ConfigurationError(
            f"vqt: the task head reads a tensor of {args[0].ndim} dimensions, not one vector of each input; expected "
            "another method"
        )
    return (normalize(args[0], dim=1),)


def _more(found: ReadOut, head: nn.Module, args: tuple[torch.Tensor, ...], output: torch.Tensor) -> torch.Tensor:
    """Return the logits, with what was found if anything was."""
    if not found.waits:
        return output
    weight: torch.Tensor = getattr(head, NAME)
    return output + linear(torch.cat(found.take(), dim=1).to(weight.dtype), weight)
