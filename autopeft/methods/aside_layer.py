"""A bottlenecked path beside a backbone's layers as a PEFT tuner; PEFT has none such."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from peft import PeftConfig
from torch import nn
from typing_extensions import override

from autopeft.backbones import features
from autopeft.methods.bottleneck_config import ACTIVATIONS
from autopeft.methods.layer import TransparentLayer, WrappingTuner, plain

__all__ = ["AsideConfig", "AsideLayer", "AsideTuner"]


@dataclass
class AsideConfig(PeftConfig):
    """Config of a path beside layers."""

    target_modules: list[str] | None = field(
        default=None, metadata={"help": "Names of the layers beside which the path goes."}
    )
    order: list[str] = field(default_factory=list, metadata={"help": "The same names, from the lowest layer up."})
    size: int = field(default=16, metadata={"help": "Size of the bottleneck."})
    size_pattern: dict[str, int] = field(
        default_factory=dict, metadata={"help": "Size by name of the layer, where it differs from `size`."}
    )
    scale: float = field(default=1.0, metadata={"help": "Factor of what comes back into the backbone."})
    inject: str = field(
        default="every", metadata={"help": "`every`: it comes back behind every layer; `last`: behind the highest."}
    )
    activation: str = field(default="relu", metadata={"help": f"One of {', '.join(ACTIVATIONS)}."})
    input_modules: dict[str, str] = field(
        default_factory=dict,
        metadata={"help": "For each layer, the full name of a matrix inside that reads hidden states, for their size."},
    )
    modules_to_save: list[str] | None = field(
        default=None, metadata={"help": "Modules trained and saved beside the path, such as a task head."}
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.peft_type = "ASIDE"


class _Path:
    """What has come along beside the layers in one forward pass."""

    state: torch.Tensor | None = None


class AsideLayer(TransparentLayer):
    """A layer, with a step of the path: a + U act(D (h + a) + b) + c of its output h and what comes from below, a."""

    adapter_layer_names = ("aside_down", "aside_up")

    def __init__(self, base_layer: nn.Module) -> None:
        super().__init__(base_layer)
        self.aside_down = nn.ModuleDict()
        self.aside_up = nn.ModuleDict()
        self.settings: dict[str, AsideConfig] = {}
        self._paths: dict[str, _Path] = {}
        self._ends: dict[str, tuple[bool, bool]] = {}

    def update_layer(self, adapter_name: str, name: str, hidden: int, path: _Path, config: AsideConfig) -> None:
        """Add a step of a path of this name, which adds nothing at first.

        Args:
            adapter_name: The name.
            name: That of the layer.
            hidden: Size of hidden states.
            path: What all steps of the path share.
            config: The rest.
        """
        size = config.size_pattern.get(name, config.size)
        down, up = nn.Linear(hidden, size), nn.Linear(size, hidden)
        nn.init.kaiming_uniform_(down.weight, a=math.sqrt(5))
        for zero in (down.bias, up.weight, up.bias):
            nn.init.zeros_(zero)
        self.aside_down[adapter_name], self.aside_up[adapter_name] = down, up
        self.settings[adapter_name], self._paths[adapter_name] = config, path
        self._ends[adapter_name] = (name == config.order[0], name == config.order[-1])
        # A layer has no weight of its own by which PEFT would know the device.
        self._move_adapter_to_device_of_base_layer(adapter_name, next(self.base_layer.parameters()).device)
        self.set_adapter(adapter_name, inference_mode=config.inference_mode)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the layer does, its hidden states with what comes back from the path."""
        output = self.base_layer(*args, **kwargs)
        names = [name for name in self.active_adapters if name in self.aside_down]
        if self.disable_adapters or not names:
            return output
        hidden: torch.Tensor = output[0] if isinstance(output, tuple) else output
        total = hidden
        for name in names:
            back = self._step(name, hidden)
            total = total if back is None else total + back.to(hidden.dtype)
        return (total, *output[1:]) if isinstance(output, tuple) else total

    def _step(self, name: str, hidden: torch.Tensor) -> torch.Tensor | None:
        """Take a step of the path; return what comes back from it, `batch x length x features`, or None."""
        path, config, (lowest, highest) = self._paths[name], self.settings[name], self._ends[name]
        before = None if lowest else path.state
        read = self._cast_input_dtype(hidden, self.aside_down[name].weight.dtype)
        if before is not None:
            # Trials may compute the highest layer for the first token only.
            before = before[:, : hidden.shape[1]]
            read = read + before
        state: torch.Tensor = self.aside_up[name](ACTIVATIONS[config.activation](self.aside_down[name](read)))
        state = state if before is None else before + state
        # Let go of it at the end, or it would outlive the step.
        path.state = None if highest else state
        return config.scale * state if highest or config.inject == "every" else None


class AsideTuner(WrappingTuner):
    """PEFT tuner of paths beside layers."""

    prefix = "aside_"
    tuner_layer_cls = AsideLayer
    target_module_mapping: ClassVar[dict[str, list[str]]] = {}

    @override
    def _pre_injection_hook(self, model: nn.Module, config: PeftConfig, adapter_name: str) -> None:
        self._path = _Path()

    def _create_and_replace(
        self,
        peft_config: AsideConfig,
        adapter_name: str,
        target: nn.Module,
        target_name: str,
        parent: nn.Module,
        current_key: str,
    ) -> None:
        reads = self.model.get_submodule(peft_config.input_modules[current_key])
        layer = target if isinstance(target, AsideLayer) else AsideLayer(target)
        layer.update_layer(adapter_name, current_key, features(plain(reads))[0], self._path, peft_config)
        self._replace_module(parent, target_name, layer, target)

    def _check_merge_allowed(self) -> None:
        raise ValueError("a path beside the layers cannot be merged into the weights")
