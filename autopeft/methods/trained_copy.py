"""Modules trained as they are: a copy takes their place, which PEFT puts in, saves and takes out."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from peft import PeftConfig
from peft.tuners.tuners_utils import BaseTuner
from torch import Tensor, nn
from torch.func import functional_call
from typing_extensions import override

from autopeft.methods.layer import TransparentLayer
from autopeft.methods.offload import offload

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
    """A module, and a copy of it that trains in its place.

    The first weights wait on disk: while the layer is in a model, the parameters of the module are tensors of a copy.

    Args:
        base_layer: The module.
        tied: A layer with whose module it shares `weight`, and so with its copies.

    Attributes:
        first: The first weights by name.

    Raises:
        ValueError: They are in few bits.
    """

    adapter_layer_names = ("trained_copy",)

    def __init__(self, base_layer: nn.Module, tied: TrainedCopyLayer | None = None) -> None:
        super().__init__(base_layer)
        setattr(self, self.adapter_layer_names[0], nn.ModuleDict())
        self._tied = () if tied is None else (tied,)
        self.first: dict[str, Tensor] = {} if tied is None else {"weight": tied.first["weight"]}
        for key, parameter in self._own():
            if not parameter.is_floating_point():
                raise ValueError("weights in few bits cannot be trained themselves")
            if key not in self.first:
                self.first[key] = offload(parameter)

    @property
    def copies(self) -> nn.ModuleDict:
        """The copies by adapter name."""
        modules: nn.ModuleDict = getattr(self, self.adapter_layer_names[0])
        return modules

    def _own(self) -> Iterator[tuple[str, nn.Parameter]]:
        return self.get_base_layer().named_parameters()

    def update_layer(self, adapter_name: str, config: PeftConfig) -> None:
        """Add a copy of this name, in fp32 where the weights are in half precision."""
        copied: dict[int, Any] = {}
        for key, parameter in self._own():
            dtype = torch.promote_types(parameter.dtype, torch.float32)
            copied[id(parameter)] = nn.Parameter(self.first[key].to(parameter.device, dtype, copy=True))
        for tied in self._tied:
            if adapter_name in tied.copies:
                copied[id(self.get_base_layer().weight)] = tied.copies[adapter_name].weight
        self.copies[adapter_name] = copy.deepcopy(self.get_base_layer(), copied).requires_grad_(True)
        self._lend(adapter_name)
        self.set_adapter(adapter_name, inference_mode=config.inference_mode)

    def _lend(self, adapter_name: str) -> None:
        """Let the parameters of the module be the tensors of a copy, which take no memory more."""
        trained = dict(self.copies[adapter_name].named_parameters())
        for key, parameter in self._own():
            parameter.data = trained[key].data

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the copy, or the module itself, makes of the input."""
        used = [name for name in self.active_adapters if name in self.copies]
        if self.disable_adapters or not (used or self.merged_adapters):
            first = {key: self.first[key].to(parameter.device) for key, parameter in self._own()}
            return functional_call(self.get_base_layer(), first, args, kwargs)
        if self.merged_adapters:
            return self.base_layer(*args, **kwargs)
        return self.copies[used[-1]](*args, **kwargs)

    def merge(self, safe_merge: bool = False, adapter_names: list[str] | None = None) -> None:
        """Write the copy over the module."""
        for name in adapter_names or self.active_adapters:
            if name in self.copies and name not in self.merged_adapters:
                self._lend(name)
                for key, parameter in self._own():
                    parameter.data = parameter.data.to(self.first[key].dtype)
                self.merged_adapters.append(name)

    def unmerge(self) -> None:
        """Undo what `merge` did."""
        if self.merged_adapters:
            self._lend(self.merged_adapters[-1])
        self.merged_adapters.clear()

    @override
    def detach_from_model(self) -> None:
        """Give the module its first weights back."""
        for key, parameter in self._own():
            parameter.data = self.first[key].to(parameter.device, copy=True)

    @override
    def unload_and_optionally_merge_module(
        self, merge: bool, safe_merge: bool, adapter_names: list[str] | None
    ) -> nn.Module:
        if not merge:
            return super().unload_and_optionally_merge_module(merge, safe_merge, adapter_names)
        self.merge(safe_merge, adapter_names)
        return self.get_base_layer()


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
        layer = target if isinstance(target, TrainedCopyLayer) else TrainedCopyLayer(target, self._tied_to(target))
        layer.update_layer(adapter_name, peft_config)
        if layer is not target:
            setattr(parent, target_name, layer)

    def _tied_to(self, module: nn.Module) -> TrainedCopyLayer | None:
        """Return a layer whose module has the same weight."""
        weight = getattr(module, "weight", None)
        layers = (each for each in self.model.modules() if isinstance(each, TrainedCopyLayer))
        same = (each for each in layers if getattr(each.get_base_layer(), "weight", None) is weight is not None)
        return next(same, None)

    @override
    def _replace_module(self, parent: nn.Module, child_name: str, new_module: nn.Module, child: nn.Module) -> None:
        """Put a module back; what PEFT would see to besides, that of its weight, is as it was."""
        setattr(parent, child_name, new_module)

    def _check_merge_allowed(self) -> None:
        """Allow it: a trained module is one of its own kind."""
