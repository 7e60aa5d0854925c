"""What our PEFT layers have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from peft.tuners.tuners_utils import BaseTuner, BaseTunerLayer
from torch import nn
from typing_extensions import override

__all__ = ["AdapterLayer", "TransparentLayer", "WrappingTuner", "adapter_dtype", "plain"]


class AdapterLayer(nn.Module, BaseTunerLayer):
    """A module, maybe already adapted, with an adapter around it.

    Attributes:
        adapter_layer_names: The attributes that hold the adapters' parts by adapter name.
    """

    adapter_layer_names: ClassVar[tuple[str, ...]]
    if TYPE_CHECKING:  # members of BaseTunerLayer, which has no types
        disable_adapters: bool
        active_adapters: list[str]
        get_base_layer: Callable[[], nn.Module]
        set_adapter: Callable[..., None]
        _cast_input_dtype: Callable[..., Any]
        _move_adapter_to_device_of_base_layer: Callable[..., None]

    def __init__(self, base_layer: nn.Module) -> None:
        super().__init__()
        self.base_layer = base_layer
        self._disable_adapters = False
        self.merged_adapters: list[str] = []

    def detach_from_model(self) -> None:
        """Undo what the layer did to other modules than the one it wraps."""

    @override
    def unload_and_optionally_merge_module(
        self, merge: bool, safe_merge: bool, adapter_names: list[str] | None
    ) -> nn.Module:
        """Return the wrapped module; PEFT calls this to unload."""
        self.detach_from_model()
        return self.get_base_layer()


class TransparentLayer(AdapterLayer):
    """A module of whatever class, whose attributes are those of what it wraps.

    Models read attributes of their layers, attention modules and embeddings (attention_type, layer_idx,
    num_embeddings), and those who look for modules find them inside.
    """

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name == "base_layer":
                raise
            return getattr(self.base_layer, name)


class WrappingTuner(BaseTuner):
    """A tuner that wraps modules of whatever class: PEFT's own copies `weight` and `bias`, which not all have."""

    @override
    def _replace_module(self, parent: nn.Module, child_name: str, new_module: nn.Module, child: nn.Module) -> None:
        setattr(parent, child_name, new_module)


def plain(module: nn.Module) -> Any:
    """Return what a module was before adapters were put around it."""
    return module.get_base_layer() if isinstance(module, BaseTunerLayer) else module


def adapter_dtype(module: nn.Module) -> torch.dtype:
    """Return the type of what trains beside a module: that of its weights, or the default beside packed ones."""
    found = next(module.parameters()).dtype
    return found if found.is_floating_point else torch.get_default_dtype()
