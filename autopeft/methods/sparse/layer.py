"""The layer of all sparse changes: Super-Tuning's, whose positions may change while it trains."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from peft.tuners.supertuning.layer import Linear
from torch import Tensor, nn
from typing_extensions import override

from autopeft.methods.sparse.delta import Watch, changed_linear

__all__ = ["NAME", "SparseLinear"]

#: The adapter that is trained.
NAME = "default"


class SparseLinear(Linear):
    """A frozen matrix with changes at some positions, and maybe a low-rank one; PEFT's buffers hold them.

    Attributes:
        watch: Sees the dense gradient in each backward pass; None where nobody looks.
        settled: Positions that have changed and train no more, with their changes.
    """

    if TYPE_CHECKING:  # members of PEFT's layer, which has no types
        supertuning_values: nn.ParameterDict
        supertuning_indices: dict[str, Tensor]
        supertuning_rank: dict[str, int]
        supertuning_lora_alpha: dict[str, float]
        supertuning_lora_A: nn.ModuleDict  # noqa: N815
        supertuning_lora_B: nn.ModuleDict  # noqa: N815
        supertuning_lora_dropout: nn.ModuleDict
        disable_adapters: bool
        merged: bool
        active_adapters: list[str]
        get_base_layer: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.watch: Watch | None = None
        self.settled: tuple[Tensor, Tensor] | None = None

    @property
    def weight_now(self) -> Tensor:
        """The matrix with its changes, a copy in fp32."""
        weight: Tensor = self.get_base_layer().weight.detach().float()
        positions, values = self.changes()
        return weight.flatten().scatter_add(0, positions, values.detach().float()).view_as(weight)

    @property
    def values(self) -> nn.Parameter:
        """What trains."""
        found: Any = self.supertuning_values[NAME]
        return found

    @property
    def positions(self) -> Tensor:
        """Where it is in the flattened matrix, int64."""
        return self.supertuning_indices[NAME].long()

    def changes(self) -> tuple[Tensor, Tensor]:
        """Return all changed positions, each once, and the changes there: of those that train, then of the others."""
        if self.settled is None:
            return self.positions, self.values
        return torch.cat([self.positions, self.settled[0]]), torch.cat([self.values, self.settled[1]])

    def origin(self) -> Tensor:
        """Return the frozen weights at the positions that train, `[n]`."""
        weight: Tensor = self.get_base_layer().weight.detach()
        return weight.flatten()[self.positions]

    def place(self, positions: Tensor, values: Tensor | None = None) -> None:
        """Let other positions train.

        Args:
            positions: In the flattened matrix, each once.
            values: The changes there; nothing is changed where they are left out.
        """
        self.supertuning_indices[NAME] = positions.to(torch.int32)
        device = self.values.device
        zeros = torch.zeros(len(positions), dtype=torch.float32, device=device)
        # Autograd forgets the shape that a parameter had in graphs that are still there only when its type changes.
        self.values.data = zeros.double()
        self.values.data = zeros if values is None else values.detach().to(device, torch.float32)
        self.values.grad = None

    def empty(self, name: str) -> None:
        """Let nothing train of an adapter of this name, which PEFT refuses to build."""
        self.supertuning_indices[name] = self.supertuning_indices[name][:0]
        values: Any = self.supertuning_values[name]
        values.data = values.data[:0]

    def unite(self) -> None:
        """Count what has settled among what trains, as it is stored and merged."""
        if self.settled is not None:
            positions, values = self.changes()
            self.settled = None
            self.place(positions, values)

    @override
    def forward(self, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """Return the product with the changed matrix, as PEFT's layer computes it."""
        if self.disable_adapters or self.merged or self.active_adapters != [NAME]:
            outside: Tensor = super().forward(x, *args, **kwargs)
            return outside
        base = self.get_base_layer()
        positions, values = self.changes()
        result = changed_linear(x, base.weight, base.bias, values, positions, self.watch)
        if self.supertuning_rank[NAME]:
            result = result + self.low_rank(x).to(result.dtype)
        return result

    def add_low_rank(self, rank: int, dropout: float = 0.0, name: str = NAME) -> None:
        """Add a low-rank change without a factor, zero at first.

        Args:
            rank: Its rank.
            dropout: Dropout of what goes into it.
            name: Name of the adapter.
        """
        outputs, inputs = self.get_base_layer().weight.shape
        device = self.get_base_layer().weight.device
        first = nn.Linear(inputs, rank, bias=False, device=device)
        second = nn.Linear(rank, outputs, bias=False, device=device)
        nn.init.kaiming_uniform_(first.weight, a=math.sqrt(5))
        nn.init.zeros_(second.weight)
        self.supertuning_lora_A[name], self.supertuning_lora_B[name] = first, second
        self.supertuning_lora_dropout[name] = nn.Dropout(dropout) if dropout else nn.Identity()
        self.supertuning_rank[name], self.supertuning_lora_alpha[name] = rank, float(rank)

    def low_rank(self, x: Tensor) -> Tensor:
        """Return what the low-rank change adds."""
        down, up = self.supertuning_lora_A[NAME], self.supertuning_lora_B[NAME]
        dropped = self.supertuning_lora_dropout[NAME](x).to(down.weight.dtype)
        found: Tensor = up(down(dropped)) * (self.supertuning_lora_alpha[NAME] / self.supertuning_rank[NAME])
        return found

    @override
    def merge(self, safe_merge: bool = False, adapter_names: list[str] | None = None) -> None:
        """Fold the changes into the matrix."""
        self.unite()
        super().merge(safe_merge, adapter_names)
