"""LoRA behind UniPELT's gate as a PEFT tuner, which PEFT lacks; everything else of it is PEFT's own LoRA."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from peft import LoraConfig
from peft.tuners.lora import LoraModel
from peft.tuners.lora.layer import LoraVariant
from torch import nn
from typing_extensions import override

from autopeft.methods.gate import openness

__all__ = ["GatedLoraConfig", "GatedLoraTuner"]


@dataclass
class GatedLoraConfig(LoraConfig):
    """Config of LoRA with a gate at every matrix."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.peft_type = "GATED_LORA"


class GatedLoraTuner(LoraModel):
    """PEFT tuner of LoRA with a gate at every matrix, `lora_gate`."""

    def _create_and_replace(
        self,
        lora_config: GatedLoraConfig,
        adapter_name: str,
        target: nn.Module,
        target_name: str,
        parent: nn.Module,
        current_key: str,
        **kwargs: Any,
    ) -> None:
        super()._create_and_replace(
            lora_config, adapter_name, target, target_name, parent, current_key=current_key, **kwargs
        )
        _add_gate(getattr(parent, target_name), adapter_name)

    def _check_merge_allowed(self) -> None:
        raise ValueError("gates depend on the input, so LoRA behind them cannot be merged into the weights")


class _Gated(LoraVariant):
    """The form of LoRA's forward that PEFT's layers call in place of their own."""

    @staticmethod
    def forward(module: Any, active_adapter: str, x: torch.Tensor, result: torch.Tensor, **kwargs: Any) -> torch.Tensor:
        """Return the result of the wrapped matrix with LoRA's share added; shapes are `batch x length x features`."""
        inner = module.lora_A[active_adapter](module.lora_dropout[active_adapter](x))
        added = module.lora_B[active_adapter](inner) * module.scaling[active_adapter]
        return result + openness(module.lora_gate[active_adapter], x) * added

    @override
    def supports_lora_conversion(self) -> bool:
        """Tell that no plain LoRA computes the same."""
        return False


def _add_gate(layer: Any, adapter_name: str) -> None:
    like = layer.lora_A[adapter_name].weight
    if not hasattr(layer, "lora_gate"):
        layer.lora_gate = nn.ModuleDict()
        layer.adapter_layer_names = (*layer.adapter_layer_names, "lora_gate")
    layer.lora_gate[adapter_name] = nn.Linear(layer.in_features, 1, device=like.device, dtype=like.dtype)
    layer.lora_gate[adapter_name].requires_grad_(like.requires_grad)
    layer.lora_variant[adapter_name] = _Gated()
