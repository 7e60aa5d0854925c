"""PEFT's config and tuner of sparse changes."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

import torch
from peft import SupertuningConfig
from peft.tuners.supertuning.model import SupertuningModel
from typing_extensions import override

from autopeft.methods.layer import plain
from autopeft.methods.sparse.layer import SparseLinear

__all__ = ["SparseConfig", "SparseTuner", "alike"]


@dataclass
class SparseConfig(SupertuningConfig):
    """Config of Super-Tuning with a number of scalars for each matrix."""

    density: float = field(default=0.001, metadata={"help": "Share of a matrix's weights that are trained."})
    count: int | None = field(default=None, metadata={"help": "Scalars of each matrix, instead of a density."})
    rank: int | None = field(
        default=None,
        metadata={"help": "As many scalars of each matrix as LoRA of this rank has, instead of a density."},
    )
    counts: dict[str, int] | None = field(
        default=None, metadata={"help": "Scalars of each matrix by its full name, instead of one number for all."}
    )
    ranks: dict[str, int] | None = field(
        default=None, metadata={"help": "Rank of a low-rank change without a factor, of those matrices that have one."}
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.peft_type = "SPARSE"

    def scalars(self, name: str, shape: torch.Size) -> int:
        """Return how many scalars of a matrix change; of a density, at least one.

        Args:
            name: Its full name.
            shape: Its shape.

        Raises:
            ValueError: When it has fewer.
        """
        if self.counts is not None:
            return self.counts[name]
        size = shape.numel()
        if self.rank is not None:
            return min(self.rank * sum(shape), size)
        count = self.count or max(1, int(self.density * size))
        if count > size:
            raise ValueError(f"{count} scalars of a matrix that has {size}")
        return count


class SparseTuner(SupertuningModel):
    """PEFT tuner of sparse changes."""

    @override
    def _create_and_replace(
        self, peft_config: SparseConfig, adapter_name: str, target: Any, *args: Any, **kwargs: Any
    ) -> None:
        shape = plain(target).weight.shape
        name = kwargs.get("current_key") or args[-1]
        count, exact = peft_config.scalars(name, shape), copy.copy(peft_config)
        # Super-Tuning trains int(size * (1 - sparsity)) scalars, and refuses none at all.
        exact.sparsity = 1 - (max(1, count) + 0.5) / shape.numel()
        super()._create_and_replace(exact, adapter_name, target, *args, **kwargs)
        layer = self.model.get_submodule(name)
        if isinstance(layer, SparseLinear):
            if not count:
                layer.empty(adapter_name)
            ranks = peft_config.ranks or {}
            if name in ranks:
                layer.add_low_rank(ranks[name], name=adapter_name)

    @staticmethod
    @override
    def _create_new_module(config: SparseConfig, adapter_name: str, target: Any, **kwargs: Any) -> torch.nn.Module:
        if not isinstance(plain(target), torch.nn.Linear):
            return SupertuningModel._create_new_module(config, adapter_name, target, **kwargs)
        return SparseLinear(target, adapter_name, config=config, **kwargs)


def alike(config: SparseConfig, sizes: dict[str, int], counts: dict[str, int]) -> SupertuningConfig | None:
    """Return the config by which PEFT itself builds so many scalars of each matrix; None where it has none.

    Super-Tuning knows one sparsity for all matrices, and trains `int(size * (1 - sparsity))` scalars of each.

    Args:
        config: That of autopeft.
        sizes: The weights of each matrix by name.
        counts: The scalars of each.
    """
    least = max(counts[name] / size for name, size in sizes.items())
    below = min((counts[name] + 1) / size for name, size in sizes.items())
    sparsity = max(0.0, 1 - (least + below) / 2)
    if any(int(size * (1 - sparsity)) != counts[name] for name, size in sizes.items()):
        return None
    return SupertuningConfig(
        target_modules=config.target_modules,
        sparsity=sparsity,
        r=config.r,
        lora_alpha=config.lora_alpha,
        save_precomputed_indices=True,
    )
