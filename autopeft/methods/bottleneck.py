"""Bottleneck adapters as PEFT tuners, which PEFT lacks; serial and parallel differ in their input.

The adapter adds `scale * (U act(D x + b) + c)` to the output of the last matrix of a sublayer, before
dropout, residual and norm. U and c start at zero, so that the model is unchanged at step 0; a serial adapter may take
the place of that output instead, and then starts by silencing the sublayer, or start with both matrices at random.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, ClassVar

import torch
from peft.tuners.tuners_utils import BaseTuner
from peft.utils.other import get_pattern_key
from torch import nn
from typing_extensions import override

from autopeft.backbones import features
from autopeft.methods.bottleneck_config import (
    ACTIVATIONS,
    BottleneckConfig,
    ParallelAdapterConfig,
    SerialAdapterConfig,
)
from autopeft.methods.captured import Captured
from autopeft.methods.gate import openness
from autopeft.methods.layer import AdapterLayer, plain
from autopeft.methods.normed_sum import NormedSum

__all__ = [
    "ParallelAdapterLayer",
    "ParallelAdapterTuner",
    "SerialAdapterLayer",
    "SerialAdapterTuner",
]

#: Standard deviation of both matrices where they start at random, as in AutoPEFT's release.
_STD = 0.02


class BottleneckLayer(AdapterLayer):
    """A matrix with a bottleneck that adds to its output."""

    def __init__(self, base_layer: nn.Module) -> None:
        super().__init__(base_layer)
        for name in self.adapter_layer_names:
            setattr(self, name, nn.ParameterDict() if name.endswith("_scale") else nn.ModuleDict())
        self.settings: dict[str, tuple[float, str]] = {}

    @property
    def down(self) -> nn.ModuleDict:
        """The matrices D by adapter name, inputs to bottleneck."""
        module: nn.ModuleDict = getattr(self, self.adapter_layer_names[0])
        return module

    @property
    def up(self) -> nn.ModuleDict:
        """The matrices U by adapter name, bottleneck to outputs."""
        module: nn.ModuleDict = getattr(self, self.adapter_layer_names[1])
        return module

    @property
    def scales(self) -> nn.ParameterDict:
        """The trained factors by adapter name."""
        parameters: nn.ParameterDict = getattr(self, self.adapter_layer_names[2])
        return parameters

    @property
    def gates(self) -> nn.ModuleDict:
        """The gates by adapter name, inputs to one number."""
        module: nn.ModuleDict = getattr(self, self.adapter_layer_names[3])
        return module

    def update_layer(self, adapter_name: str, inputs: int, size: int, config: BottleneckConfig) -> None:
        """Add an adapter of this name, initialised to add nothing."""
        _, outputs = features(self.get_base_layer())
        down, up = nn.Linear(inputs, size, bias=config.biased), nn.Linear(size, outputs, bias=config.biased)
        nn.init.kaiming_uniform_(down.weight, a=math.sqrt(5))
        nn.init.zeros_(up.weight)
        if config.biased:
            nn.init.zeros_(down.bias)
            nn.init.zeros_(up.bias)
        self.down[adapter_name], self.up[adapter_name] = down, up
        if config.learned_scale:
            self.scales[adapter_name] = nn.Parameter(torch.tensor(float(config.scale)))
        if config.gate:
            self.gates[adapter_name] = nn.Linear(inputs, 1)
        self.settings[adapter_name] = (config.scale, config.activation)
        self._move_adapter_to_device_of_base_layer(adapter_name)
        self.set_adapter(adapter_name, inference_mode=config.inference_mode)

    def delta(self, x: torch.Tensor, like: torch.Tensor, names: Iterable[str] | None = None) -> torch.Tensor:
        """Return what adapters add to `like`.

        Args:
            x: What they read, `batch x length x features`.
            like: What they add to, of the same shape.
            names: Their names; the active ones when left out.
        """
        total = torch.zeros((), dtype=like.dtype, device=like.device)
        for name in self.active_adapters if names is None else names:
            if name in self.down:
                scale, activation = self.settings[name]
                inputs = self._cast_input_dtype(x, self.down[name].weight.dtype)
                added = self.up[name](ACTIVATIONS[activation](self.down[name](inputs)))
                added = (self.scales.get(name, scale)) * added
                if name in self.gates:
                    added = openness(self.gates[name], inputs) * added
                total = total + added.to(like.dtype)
        return total


class SerialAdapterLayer(BottleneckLayer):
    """y = base(x); returns y + adapter(y), or adapter(y) without its residual.

    An adapter may read N(f + h) in place of y: f is y without what a parallel adapter adds to it, see `NormedSum`.
    """

    adapter_layer_names = (
        "serial_adapter_down",
        "serial_adapter_up",
        "serial_adapter_scale",
        "serial_adapter_gate",
    )

    def __init__(self, base_layer: nn.Module) -> None:
        super().__init__(base_layer)
        self.replacing: set[str] = set()
        self.reading_sum: set[str] = set()
        self._sum: NormedSum | None = None

    @override
    def update_layer(self, adapter_name: str, inputs: int, size: int, config: BottleneckConfig) -> None:
        """Add an adapter of this name, initialised to add nothing or at random."""
        super().update_layer(adapter_name, inputs, size, config)
        assert isinstance(config, SerialAdapterConfig)
        if config.start == "normal":
            for matrix in (self.down[adapter_name], self.up[adapter_name]):
                weight: Any = matrix.weight
                nn.init.normal_(weight, std=_STD)
        if not config.residual:
            self.replacing.add(adapter_name)
        if config.norm_modules:
            self.reading_sum.add(adapter_name)

    def sum_through(self, norm: nn.Module, stream: nn.Module) -> None:
        """Make the block's sum known to adapters that read it.

        Args:
            norm: The norm that it is read through.
            stream: The module whose input is the residual stream.
        """
        if self._sum is None:
            self._sum = NormedSum(norm, stream)

    def forward(self, x: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        """Return the output of the wrapped module with the adapter's share added."""
        inner, added = self.base_layer, None
        if isinstance(inner, ParallelAdapterLayer):
            own, added = inner.shares(x, *args, **kwargs)
        else:
            own = inner(x, *args, **kwargs)
        result: torch.Tensor = own if added is None else own + added
        stream = None if self._sum is None else self._sum.take()
        if self.disable_adapters:
            return result
        delta = self.delta(result, result, [name for name in self.active_adapters if name not in self.reading_sum])
        reading = [name for name in self.active_adapters if name in self.reading_sum]
        if self._sum is not None and reading:
            delta = delta + self.delta(self._sum.of(own, stream), result, reading)
        return delta if self.replacing.intersection(self.active_adapters) else result + delta

    @override
    def detach_from_model(self) -> None:
        """Remove the hook that captures the residual stream."""
        if self._sum is not None:
            self._sum.remove()


class ParallelAdapterLayer(BottleneckLayer):
    """Returns base(x) + adapter(h), where h went into an earlier module of the same sublayer."""

    adapter_layer_names = (
        "parallel_adapter_down",
        "parallel_adapter_up",
        "parallel_adapter_scale",
        "parallel_adapter_gate",
    )

    def __init__(self, base_layer: nn.Module, reads: nn.Module) -> None:
        super().__init__(base_layer)
        self._captured = Captured(reads)

    def forward(self, x: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        """Return the output of the wrapped module with the adapter's share added."""
        result, added = self.shares(x, *args, **kwargs)
        return result if added is None else result + added

    def shares(self, x: torch.Tensor, *args: Any, **kwargs: Any) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return the output of the wrapped module and, apart, what is added to it; None where adapters are off."""
        result: torch.Tensor = self.base_layer(x, *args, **kwargs)
        captured = self._captured.take()
        if self.disable_adapters:
            return result, None
        if captured is None:
            raise RuntimeError("a parallel adapter ran before the module whose input it reads")
        return result, self.delta(captured, result)

    @override
    def detach_from_model(self) -> None:
        """Remove the hook that captures the input."""
        self._captured.remove()


class _BottleneckTuner(BaseTuner):
    """Puts bottleneck layers around the target modules."""

    target_module_mapping: ClassVar[dict[str, list[str]]] = {}

    def _create_and_replace(
        self,
        peft_config: BottleneckConfig,
        adapter_name: str,
        target: nn.Module,
        target_name: str,
        parent: nn.Module,
        current_key: str,
    ) -> None:
        size = peft_config.size_pattern.get(get_pattern_key(list(peft_config.size_pattern), current_key))
        layer, inputs = self._layer(peft_config, target, current_key)
        layer.update_layer(adapter_name, inputs, size or peft_config.size, peft_config)
        if layer is not target:
            self._replace_module(parent, target_name, layer, target)

    def _layer(self, config: BottleneckConfig, target: nn.Module, key: str) -> tuple[BottleneckLayer, int]:
        """Return the layer around `target` (itself if it is one) and the size of the adapter's input."""
        raise NotImplementedError

    def _check_merge_allowed(self) -> None:
        raise ValueError("bottleneck adapters are not linear and cannot be merged into the weights")


class SerialAdapterTuner(_BottleneckTuner):
    """PEFT tuner of serial adapters."""

    prefix = "serial_adapter_"
    tuner_layer_cls = SerialAdapterLayer

    @override
    def _layer(self, config: BottleneckConfig, target: nn.Module, key: str) -> tuple[BottleneckLayer, int]:
        assert isinstance(config, SerialAdapterConfig)
        layer = target if isinstance(target, SerialAdapterLayer) else SerialAdapterLayer(target)
        if key in config.norm_modules:
            norm, stream = config.norm_modules[key], config.stream_modules[key]
            layer.sum_through(self.model.get_submodule(norm), self.model.get_submodule(stream))
        return layer, features(layer.get_base_layer())[1]


class ParallelAdapterTuner(_BottleneckTuner):
    """PEFT tuner of parallel adapters."""

    prefix = "parallel_adapter_"
    tuner_layer_cls = ParallelAdapterLayer

    @override
    def _layer(self, config: BottleneckConfig, target: nn.Module, key: str) -> tuple[BottleneckLayer, int]:
        assert isinstance(config, ParallelAdapterConfig)
        reads = self.model.get_submodule(config.input_modules[key])
        layer = target if isinstance(target, ParallelAdapterLayer) else ParallelAdapterLayer(target, reads)
        return layer, features(plain(reads))[0]
