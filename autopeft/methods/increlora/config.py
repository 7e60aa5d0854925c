"""PEFT's config and tuner of IncreLoRA, which PEFT lacks; everything else of it is PEFT's own LoRA."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from peft import LoraConfig
from peft.tuners.lora import LoraModel
from torch import nn

from autopeft.methods.increlora.growing import Growing

__all__ = ["IncreLoraConfig", "IncreLoraTuner"]


@dataclass
class IncreLoraConfig(LoraConfig):
    """Config of LoRA whose ranks grow from 1; `r` is what they are to have on average."""

    reserves: int = field(default=1, metadata={"help": "Components of each matrix that are trained in advance."})

    def __post_init__(self) -> None:
        super().__post_init__()
        self.peft_type = "INCRELORA"


class IncreLoraTuner(LoraModel):
    """PEFT tuner of IncreLoRA."""

    def _create_and_replace(
        self,
        lora_config: IncreLoraConfig,
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
        layer: Any = getattr(parent, target_name)
        # Without weights it is built to be counted, at its largest.
        rank = layer.r[adapter_name] if layer.lora_A[adapter_name].weight.is_meta else 1
        layer.lora_variant[adapter_name] = Growing(layer, adapter_name, rank, lora_config.reserves)
