"""BitFit: the biases a layer has, trained; PEFT has no method for them alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from peft import PeftConfig
from peft.tuners.tuners_utils import BaseTuner
from torch import nn
from typing_extensions import override

from autopeft.backbones import Anatomy
from autopeft.methods.layer import AdapterLayer, adapter_dtype
from autopeft.methods.method import Cells, Knobs, Method, Start, learning_rate
from autopeft.space.placement import Cell
from autopeft.space.vocabulary import MethodWords

__all__ = ["BitFit", "BitFitConfig", "BitFitTuner"]


@dataclass
class BitFitConfig(PeftConfig):
    """Config of trained changes of biases."""

    target_modules: list[str] | None = field(default=None, metadata={"help": "Names of the modules with a bias."})
    modules_to_save: list[str] | None = field(
        default=None, metadata={"help": "Modules trained and saved beside the biases, such as a task head."}
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.peft_type = "BITFIT"


class BitFitLayer(AdapterLayer):
    """A module with a bias, and a trained change of that bias, zero at first."""

    adapter_layer_names = ("bitfit_delta",)

    def __init__(self, base_layer: nn.Module) -> None:
        super().__init__(base_layer)
        self.bitfit_delta = nn.ParameterDict()

    def update_layer(self, adapter_name: str, config: BitFitConfig) -> None:
        """Add a change of this name."""
        bias: Any = self.get_base_layer().bias
        self.bitfit_delta[adapter_name] = nn.Parameter(
            torch.zeros_like(bias, dtype=adapter_dtype(self.get_base_layer()))
        )
        self.set_adapter(adapter_name, inference_mode=config.inference_mode)

    def forward(self, x: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        """Return the output of the wrapped module, which ends with its bias, with the changes added."""
        result: torch.Tensor = self.base_layer(x, *args, **kwargs)
        if self.disable_adapters or self.merged_adapters:
            return result
        for name in self.active_adapters:
            if name in self.bitfit_delta:
                result = result + self.bitfit_delta[name].to(result.dtype)
        return result

    @torch.no_grad()
    def merge(self, safe_merge: bool = False, adapter_names: list[str] | None = None) -> None:
        """Add the changes to the bias itself."""
        bias: Any = self.get_base_layer().bias
        for name in adapter_names or self.active_adapters:
            if name in self.bitfit_delta and name not in self.merged_adapters:
                bias.add_(self.bitfit_delta[name].to(bias.dtype))
                self.merged_adapters.append(name)

    @override
    def unload_and_optionally_merge_module(
        self, merge: bool, safe_merge: bool, adapter_names: list[str] | None
    ) -> nn.Module:
        if merge:
            self.merge(safe_merge, adapter_names)
        return self.get_base_layer()


class BitFitTuner(BaseTuner):
    """PEFT tuner of biases."""

    prefix = "bitfit_"
    tuner_layer_cls = BitFitLayer
    target_module_mapping: ClassVar[dict[str, list[str]]] = {}

    def _create_and_replace(
        self,
        peft_config: BitFitConfig,
        adapter_name: str,
        target: nn.Module,
        target_name: str,
        parent: nn.Module,
        current_key: str,
    ) -> None:
        layer = target if isinstance(target, BitFitLayer) else BitFitLayer(target)
        layer.update_layer(adapter_name, peft_config)
        if layer is not target:
            setattr(parent, target_name, layer)

    def _check_merge_allowed(self) -> None:
        """Allow it: a change of a bias is a bias."""


class BitFit(Method):
    """The biases of a layer, of matrices and norms alike."""

    words = MethodWords(
        name="bitfit",
        summary="the biases that a layer has, trained themselves",
        source="Ben Zaken et al. 2021, arXiv:2106.10199",
        knobs=(learning_rate("1e-3..1e-1 log"),),
        placement="layer",
    )
    peft_type = "BITFIT"
    order = 1
    layer_class = BitFitLayer
    start: Start = "exact"
    mergeable = True
    ours = True
    quantizations = ("4bit", "8bit")

    @override
    def modules(self, cell: Cell, knobs: Knobs, anatomy: Anatomy) -> tuple[str, ...]:
        """Return the modules of the layer that have a bias."""
        return anatomy.biased(cell.layer)

    @override
    def peft_config(self, cells: Cells, anatomy: Anatomy) -> BitFitConfig:
        """Return a config over full module names."""
        names = sorted(name for cell in cells for name in anatomy.biased(cell.layer))
        if not names:
            raise ValueError("the layers of this backbone have no bias")
        return BitFitConfig(target_modules=names)
