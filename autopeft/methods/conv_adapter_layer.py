"""Convolutional adapters as a PEFT tuner, with the norms of the backbone that train beside them; PEFT lacks both."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from peft import PeftConfig
from peft.utils.other import get_pattern_key
from torch import nn
from typing_extensions import override

from autopeft.backbones import features
from autopeft.methods.captured import Captured
from autopeft.methods.conformer import Conformer
from autopeft.methods.layer import AdapterLayer, WrappingTuner, plain
from autopeft.methods.trained_copy import TrainedCopyLayer

__all__ = ["ConvAdapterConfig", "ConvAdapterLayer", "ConvAdapterTuner", "TrainedNorm"]


@dataclass
class ConvAdapterConfig(PeftConfig):
    """Config of convolutional adapters."""

    target_modules: list[str] | None = field(
        default=None,
        metadata={"help": "Names of the matrices to whose output the adapter adds, and of the norms that train."},
    )
    size: int = field(default=16, metadata={"help": "Size of the bottleneck."})
    size_pattern: dict[str, int] = field(
        default_factory=dict, metadata={"help": "Size by module name, where it differs from `size`."}
    )
    kernel: int = field(default=31, metadata={"help": "How many tokens the convolution sees; odd."})
    start: str = field(
        default="zero", metadata={"help": "`zero`: it starts as nothing; `random`: as torch starts convolutions."}
    )
    normed: bool = field(default=True, metadata={"help": "Whether what it reads goes through a norm of its own."})
    input_modules: dict[str, str] = field(
        default_factory=dict,
        metadata={
            "help": "For each matrix beside whose sublayer it stands, the full name of the module whose input it "
            "reads; empty where it follows the sublayer and reads its output."
        },
    )
    norm_modules: list[str] = field(
        default_factory=list, metadata={"help": "Those of the target modules that are norms."}
    )
    modules_to_save: list[str] | None = field(
        default=None, metadata={"help": "Modules trained and saved beside the adapter, such as a task head."}
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.peft_type = "CONV_ADAPTER"


class ConvAdapterLayer(AdapterLayer):
    """A matrix, and a branch that adds to its output: it reads that, or what went into the sublayer."""

    adapter_layer_names = ("conv_adapter_branch",)

    def __init__(self, base_layer: nn.Module) -> None:
        super().__init__(base_layer)
        self.conv_adapter_branch = nn.ModuleDict()
        self.parallel: set[str] = set()
        self._captured: Captured | None = None

    def update_layer(self, adapter_name: str, size: int, reads: nn.Module | None, config: ConvAdapterConfig) -> None:
        """Add an adapter of this name.

        Args:
            adapter_name: The name.
            size: Size of the bottleneck.
            reads: The module whose input it reads; None for the output of the wrapped one.
            config: The rest.
        """
        _, outputs = features(self.get_base_layer())
        inputs = outputs if reads is None else features(plain(reads))[0]
        branch = Conformer(inputs, size, outputs, config.kernel, config.normed)
        if config.start == "zero":
            nn.init.zeros_(branch.up.weight)
            assert branch.up.bias is not None
            nn.init.zeros_(branch.up.bias)
        if reads is not None:
            self.parallel.add(adapter_name)
            self._captured = self._captured or Captured(reads)
        # Until it is told otherwise: in training mode it would note the statistics of whatever is tried.
        self.conv_adapter_branch[adapter_name] = branch.train(self.base_layer.training)
        self._move_adapter_to_device_of_base_layer(adapter_name)
        self.set_adapter(adapter_name, inference_mode=config.inference_mode)

    def forward(self, x: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        """Return the output of the wrapped module with the adapter's share added."""
        result: torch.Tensor = self.base_layer(x, *args, **kwargs)
        captured = None if self._captured is None else self._captured.take()
        if self.disable_adapters:
            return result
        total = result
        for name in self.active_adapters:
            if name in self.conv_adapter_branch:
                read = captured if name in self.parallel else result
                if read is None:
                    raise RuntimeError("a convolutional adapter ran before the module whose input it reads")
                branch: Any = self.conv_adapter_branch[name]
                total = total + branch(self._cast_input_dtype(read, branch.up.weight.dtype)).to(result.dtype)
        return total

    @override
    def detach_from_model(self) -> None:
        """Remove the hook that captures the input."""
        if self._captured is not None:
            self._captured.remove()


class TrainedNorm(TrainedCopyLayer):
    """A norm of the backbone, and a copy of it that trains in its place."""

    adapter_layer_names = ("conv_adapter_norm",)


class ConvAdapterTuner(WrappingTuner):
    """PEFT tuner of convolutional adapters."""

    prefix = "conv_adapter_"
    tuner_layer_cls = (ConvAdapterLayer, TrainedNorm)
    target_module_mapping: ClassVar[dict[str, list[str]]] = {}

    def _create_and_replace(
        self,
        peft_config: ConvAdapterConfig,
        adapter_name: str,
        target: nn.Module,
        target_name: str,
        parent: nn.Module,
        current_key: str,
    ) -> None:
        layer: AdapterLayer
        if current_key in peft_config.norm_modules:
            layer = target if isinstance(target, TrainedNorm) else TrainedNorm(target)
            layer.update_layer(adapter_name, peft_config)
        else:
            layer = target if isinstance(target, ConvAdapterLayer) else ConvAdapterLayer(target)
            sizes, reads = peft_config.size_pattern, peft_config.input_modules.get(current_key)
            size = sizes.get(get_pattern_key(list(sizes), current_key), peft_config.size)
            layer.update_layer(
                adapter_name, size, None if reads is None else self.model.get_submodule(reads), peft_config
            )
        if layer is not target:
            self._replace_module(parent, target_name, layer, target)

    def _check_merge_allowed(self) -> None:
        raise ValueError("convolutional adapters are not linear and cannot be merged into the weights")
