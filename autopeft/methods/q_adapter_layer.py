"""Q-Adapters behind a backbone's layers as a PEFT tuner; PEFT has none such."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from peft import PeftConfig
from torch import nn
from torch.nn.functional import softmax

from autopeft.backbones import features
from autopeft.methods.layer import TransparentLayer, WrappingTuner, plain

__all__ = ["QAdapterConfig", "QAdapterLayer", "QAdapterTuner", "QueriesAndBack"]


@dataclass
class QAdapterConfig(PeftConfig):
    """Config of Q-Adapters."""

    target_modules: list[str] | None = field(
        default=None, metadata={"help": "Names of the layers behind which they stand."}
    )
    size: int = field(default=64, metadata={"help": "Size of the bottleneck."})
    size_pattern: dict[str, int] = field(
        default_factory=dict, metadata={"help": "Size by name of the layer, where it differs from `size`."}
    )
    queries: int = field(default=16, metadata={"help": "Number of learned queries."})
    input_modules: dict[str, str] = field(
        default_factory=dict,
        metadata={"help": "For each layer, the full name of a matrix inside that reads hidden states, for their size."},
    )
    modules_to_save: list[str] | None = field(
        default=None, metadata={"help": "Modules trained and saved beside the adapter, such as a task head."}
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.peft_type = "Q_ADAPTER"


class QueriesAndBack(nn.Module):
    """What queries gather from all tokens, read back by each of them, times a gate that starts closed.

    Args:
        hidden: Size of hidden states, d.
        size: Size of the bottleneck, b.
        queries: Number of queries.
    """

    def __init__(self, hidden: int, size: int, queries: int) -> None:
        super().__init__()
        self.down = nn.Linear(hidden, size, bias=False)
        self.queries = nn.Parameter(torch.randn(queries, size))
        self.query = nn.Linear(size, size, bias=False)
        self.key = nn.Linear(size, size, bias=False)
        self.value = nn.Linear(size, size, bias=False)
        self.up = nn.Linear(size, hidden, bias=False)
        self.gate = nn.Parameter(torch.zeros(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return what is added to hidden states, `batch x tokens x d` as they are."""
        inner = self.down(x)
        gathered = attend(self.query(self.queries), self.key(inner), self.value(inner))
        added: torch.Tensor = torch.tanh(self.gate) * self.up(attend(inner, gathered, gathered))
        return added


def attend(queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """Return softmax(Q Kᵀ / √b) V, `batch x queries x b`.

    Args:
        queries: `queries x b`, with or without a batch in front.
        keys: `batch x keys x b`.
        values: The same.
    """
    scores = queries @ keys.transpose(1, 2) / math.sqrt(keys.shape[-1])
    return softmax(scores, dim=-1).to(values.dtype) @ values


class QAdapterLayer(TransparentLayer):
    """A layer, and what queries hand back to the tokens that come out of it."""

    adapter_layer_names = ("q_adapter_block",)

    def __init__(self, base_layer: nn.Module) -> None:
        super().__init__(base_layer)
        self.q_adapter_block = nn.ModuleDict()

    def update_layer(self, adapter_name: str, size: int, hidden: int, config: QAdapterConfig) -> None:
        """Add an adapter of this name, which adds nothing at first.

        Args:
            adapter_name: The name.
            size: Size of the bottleneck.
            hidden: Size of hidden states.
            config: The rest.
        """
        self.q_adapter_block[adapter_name] = QueriesAndBack(hidden, size, config.queries)
        # A layer has no weight of its own by which PEFT would know the device.
        self._move_adapter_to_device_of_base_layer(adapter_name, next(self.base_layer.parameters()).device)
        self.set_adapter(adapter_name, inference_mode=config.inference_mode)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the layer does, its hidden states with what is handed back."""
        output = self.base_layer(*args, **kwargs)
        names = [name for name in self.active_adapters if name in self.q_adapter_block]
        if self.disable_adapters or not names:
            return output
        hidden: torch.Tensor = output[0] if isinstance(output, tuple) else output
        total = hidden
        for name in names:
            block: Any = self.q_adapter_block[name]
            total = total + block(self._cast_input_dtype(hidden, block.down.weight.dtype)).to(hidden.dtype)
        return (total, *output[1:]) if isinstance(output, tuple) else total


class QAdapterTuner(WrappingTuner):
    """PEFT tuner of Q-Adapters."""

    prefix = "q_adapter_"
    tuner_layer_cls = QAdapterLayer
    target_module_mapping: ClassVar[dict[str, list[str]]] = {}

    def _create_and_replace(
        self,
        peft_config: QAdapterConfig,
        adapter_name: str,
        target: nn.Module,
        target_name: str,
        parent: nn.Module,
        current_key: str,
    ) -> None:
        reads = self.model.get_submodule(peft_config.input_modules[current_key])
        size = peft_config.size_pattern.get(current_key, peft_config.size)
        layer = target if isinstance(target, QAdapterLayer) else QAdapterLayer(target)
        layer.update_layer(adapter_name, size, features(plain(reads))[0], peft_config)
        self._replace_module(parent, target_name, layer, target)

    def _check_merge_allowed(self) -> None:
        raise ValueError("Q-Adapters are not linear and cannot be merged into the weights")
