"""What goes into one module, for adapters elsewhere that read it."""

from __future__ import annotations

import torch
from torch import nn

__all__ = ["Captured"]


class Captured:
    """The input of a module, from when that runs until it is taken.

    Args:
        module: The module.
    """

    def __init__(self, module: nn.Module) -> None:
        self._input: torch.Tensor | None = None
        self._hook = module.register_forward_pre_hook(self._capture)

    def _capture(self, _module: nn.Module, args: tuple[torch.Tensor, ...]) -> None:
        self._input = args[0]

    def take(self) -> torch.Tensor | None:
        """Return the input and let go of it, or it would outlive the step; None where the module has not run."""
        found, self._input = self._input, None
        return found

    def remove(self) -> None:
        """Take the hook out of the model."""
        self._hook.remove()
