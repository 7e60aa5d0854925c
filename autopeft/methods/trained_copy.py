"""Modules trained as they are: a copy takes their place, which PEFT puts in, saves and takes out."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from peft import PeftConfig
from peft.tuners.tuners_utils import BaseTuner
from torch import nn
from typing_extensions import override

from autopeft.methods.layer import TransparentLayer
from autopeft.methods.offload import fetched, offload

__all__ = ["TrainedCopyConfig", "TrainedCopyLayer", "TrainedCopyTuner"]


@dataclass
class TrainedCopyConfig(PeftConfig):
    """Config of modules that are trained themselves."""

    target_modules: list[str] | None = field(default=None, metadata={"help": "Names of the modules."})
    modules_to_save: list[str] | None = field(
        default=None, metadata={"help": "Modules trained and saved beside them, such as a task head."}
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.peft_type = "TRAINED_COPY"


class TrainedCopyLayer(TransparentLayer):
    """A module, and a copy of it that trains in its place; its own weights wait on disk where they were in memory."""

    adapter_layer_names = ("trained_copy",)

    def __init__(self, base_layer: nn.Module) -> None:
        super().__init__(base_layer)
        setattr(self, self.adapter_layer_names[0], nn.ModuleDict())
        self._before: dict[str, torch.Tensor] = {}

    @property
    def copies(self) -> nn.ModuleDict:
        """The copies by adapter name."""
        modules: nn.ModuleDict = getattr(self, self.adapter_layer_names[0])
        return modules

    def update_layer(self, adapter_name: str, config: PeftConfig) -> None:
        """Add a copy of this name."""
        copied = copy.deepcopy(self.get_base_layer())
        for parameter in copied.parameters():
            if not parameter.is_floating_point():
                raise ValueError("weights in few bits cannot be trained themselves")
        self.copies[adapter_name] = copied.requires_grad_(True)
        # All or none: where there is no room, this layer is in no model yet that would bring them back.
        own = list(self.get_base_layer().parameters())
        for parameter, waiting in zip(own, [offload(each.data) for each in own], strict=True):
            parameter.data = waiting
        self.set_adapter(adapter_name, inference_mode=config.inference_mode)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the copy, or the module itself, makes of the input."""
        used = [name for name in self.active_adapters if name in self.copies]
        if self.disable_adapters or self.merged_adapters or not used:
            return self.base_layer(*args, **kwargs)
        return self.copies[used[-1]](*args, **kwargs)

    @torch.no_grad()
    def merge(self, safe_merge: bool = False, adapter_names: list[str] | None = None) -> None:
        """Write the copy over the module."""
        for name in adapter_names or self.active_adapters:
            if name in self.copies and name not in self.merged_adapters:
                trained = dict(self.copies[name].named_parameters())
                for key, parameter in self.get_base_layer().named_parameters():
                    self._before.setdefault(key, parameter.detach().clone())
                    parameter.copy_(trained[key])
                self.merged_adapters.append(name)

    @torch.no_grad()
    def unmerge(self) -> None:
        """Write back what the module was before."""
        for key, parameter in self.get_base_layer().named_parameters():
            if key in self._before:
                parameter.copy_(self._before.pop(key))
        self.merged_adapters.clear()

    @override
    def detach_from_model(self) -> None:
        """Bring the weights of the module back, where the copies were."""
        for parameter in self.copies.parameters():
            parameter.data = parameter.data.new_empty(0)
        for parameter in self.get_base_layer().parameters():
            parameter.data = fetched(parameter.data)

    @override
    def unload_and_optionally_merge_module(
        self, merge: bool, safe_merge: bool, adapter_names: list[str] | None
    ) -> nn.Module:
        if merge:
            self.merge(safe_merge, adapter_names)
        return super().unload_and_optionally_merge_module(merge, safe_merge, adapter_names)


class TrainedCopyTuner(BaseTuner):
    """PEFT tuner of trained copies."""

    prefix = "trained_copy"
    tuner_layer_cls = TrainedCopyLayer
    target_module_mapping: ClassVar[dict[str, list[str]]] = {}

    def _create_and_replace(
        self,
        peft_config: TrainedCopyConfig,
        adapter_name: str,
        target: nn.Module,
        target_name: str,
        parent: nn.Module,
        current_key: str,
    ) -> None:
        layer = target if isinstance(target, TrainedCopyLayer) else TrainedCopyLayer(target)
        layer.update_layer(adapter_name, peft_config)
        if layer is not target:
            setattr(parent, target_name, layer)
            self._tie(layer, adapter_name)

    def _tie(self, layer: TrainedCopyLayer, adapter_name: str) -> None:
        """Let a copy of a weight that other copies have too be theirs."""
        copies = [
            other.copies[adapter_name]
            for other in self.model.modules()
            if isinstance(other, TrainedCopyLayer)
            and other is not layer
            and adapter_name in other.copies
            and hasattr(layer.base_layer, "weight")
            and getattr(other.base_layer, "weight", None) is layer.base_layer.weight
        ]
        if copies:
            layer.copies[adapter_name].weight = copies[0].weight

    @override
    def _replace_module(self, parent: nn.Module, child_name: str, new_module: nn.Module, child: nn.Module) -> None:
        """Put a module back; what PEFT would see to besides, that of its weight, is as it was."""
        setattr(parent, child_name, new_module)

    def _check_merge_allowed(self) -> None:
        """Allow it: a trained module is one of its own kind."""
