"""Prefixes on any subset of layers as a PEFT tuner; PEFT's own prefix tuning is all layers or none."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from peft import PeftConfig
from peft.utils.other import get_pattern_key
from torch import nn
from typing_extensions import override

from autopeft.errors import BackboneError
from autopeft.methods.gate import openness
from autopeft.methods.layer import TransparentLayer, WrappingTuner, adapter_dtype
from autopeft.methods.prefix_attention import attention_with_prefixes, carry

__all__ = ["PrefixConfig", "PrefixLayer", "PrefixTuner"]

#: Standard deviation of new prefixes, that of transformers' own embeddings.
_STD = 0.02


@dataclass
class PrefixConfig(PeftConfig):
    """Config of prefixes placed layer by layer."""

    target_modules: list[str] | None = field(
        default=None, metadata={"help": "Names of the attention modules that get a prefix."}
    )
    length: int = field(default=8, metadata={"help": "Number of trainable keys and values."})
    length_pattern: dict[str, int] = field(
        default_factory=dict, metadata={"help": "Length by module name, where it differs from `length`."}
    )
    gate: bool = field(
        default=False, metadata={"help": "Whether a sigmoid of the input, averaged over tokens, scales them."}
    )
    network: int = field(
        default=0, metadata={"help": "Hidden size of the network that makes them while they train; 0: none does."}
    )
    modules_to_save: list[str] | None = field(
        default=None, metadata={"help": "Modules trained and saved beside the prefixes, such as a task head."}
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.peft_type = "LAYER_PREFIX"


class PrefixLayer(TransparentLayer):
    """An attention module with trainable keys and values, each `length x kv_heads x head_dim`.

    Where a network makes them, it and the embedding it reads train in their place.
    """

    adapter_layer_names = (
        "layer_prefix_key",
        "layer_prefix_value",
        "layer_prefix_gate",
        "layer_prefix_embedding",
        "layer_prefix_network",
    )

    def __init__(self, base_layer: nn.Module) -> None:
        super().__init__(base_layer)
        self.layer_prefix_key = nn.ParameterDict()
        self.layer_prefix_value = nn.ParameterDict()
        self.layer_prefix_gate = nn.ModuleDict()
        self.layer_prefix_embedding = nn.ParameterDict()
        self.layer_prefix_network = nn.ModuleDict()
        self._input: torch.Tensor | None = None
        carry(base_layer, self)

    def update_layer(self, adapter_name: str, length: int, config: PrefixConfig) -> None:
        """Add a prefix of this name."""
        settings: Any = self.base_layer.config
        like: Any = {"dtype": adapter_dtype(self.base_layer), "device": next(self.base_layer.parameters()).device}
        if config.network:
            heads, size = _heads(self.base_layer)
            embedding = torch.empty(length, settings.hidden_size, **like)
            self.layer_prefix_embedding[adapter_name] = nn.Parameter(nn.init.normal_(embedding))
            self.layer_prefix_network[adapter_name] = nn.Sequential(
                nn.Linear(settings.hidden_size, config.network, **like),
                nn.Tanh(),
                nn.Linear(config.network, 2 * heads * size, **like),
            )
        else:
            for bank in (self.layer_prefix_key, self.layer_prefix_value):
                start = torch.empty(length, *_heads(self.base_layer), **like)
                bank[adapter_name] = nn.Parameter(nn.init.normal_(start, std=_STD))
        if config.gate:
            self.layer_prefix_gate[adapter_name] = nn.Linear(settings.hidden_size, 1, **like)
        self.set_adapter(adapter_name, inference_mode=config.inference_mode)

    def keys_and_values(self) -> tuple[torch.Tensor, torch.Tensor] | None:
        """Return keys and values of the active prefixes, or None.

        Each is `batch or 1 x kv_heads x length x head_dim`; both are behind the same gate, where there is one.
        """
        names = [name for name in self.active_adapters if name in self.layer_prefix_key or self.made(name)]
        if self.disable_adapters or not names:
            return None
        pairs = [[self._gated(name, bank) for bank in self.pair(name)] for name in names]
        key, value = (torch.cat(banks, dim=2) for banks in zip(*pairs, strict=True))
        return key, value

    def made(self, name: str) -> bool:
        """Tell whether a network makes the prefix of this name."""
        return name in self.layer_prefix_network

    def pair(self, name: str) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the keys and values of a prefix, each `length x kv_heads x head_dim`."""
        if not self.made(name):
            return self.layer_prefix_key[name], self.layer_prefix_value[name]
        embedding = self.layer_prefix_embedding[name]
        both = self.layer_prefix_network[name](embedding).view(len(embedding), 2, *_heads(self.base_layer))
        return both[:, 0], both[:, 1]

    def _gated(self, name: str, bank: torch.Tensor) -> torch.Tensor:
        heads = bank.transpose(0, 1)[None]
        if name not in self.layer_prefix_gate:
            return heads
        assert self._input is not None, "the attention runs inside `forward`"
        gate = self.layer_prefix_gate[name]
        return openness(gate, self._cast_input_dtype(self._input, gate.weight.dtype))[:, None] * heads

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Call the wrapped module, whose attention function picks the prefix up."""
        self._input = args[0] if args else kwargs["hidden_states"]
        try:
            return self.base_layer(*args, **kwargs)
        finally:
            # Let go of the input, or it would outlive the step.
            self._input = None

    @override
    def detach_from_model(self) -> None:
        """Untie the prefix from the wrapped attention module."""
        carry(self.base_layer, None)


class PrefixTuner(WrappingTuner):
    """PEFT tuner of prefixes; switches the model to the attention function that knows them."""

    prefix = "layer_prefix_"
    tuner_layer_cls = PrefixLayer
    target_module_mapping: ClassVar[dict[str, list[str]]] = {}

    @override
    def _pre_injection_hook(self, model: nn.Module, config: PeftConfig, adapter_name: str) -> None:
        if not getattr(model, "_supports_attention_backend", True):
            raise BackboneError(
                f"{type(model).__name__} computes attention without transformers' attention interface: "
                "prefixes cannot be put into it; choose other methods"
            )

    def _create_and_replace(
        self,
        peft_config: PrefixConfig,
        adapter_name: str,
        target: nn.Module,
        target_name: str,
        parent: nn.Module,
        current_key: str,
    ) -> None:
        pattern = peft_config.length_pattern
        length = pattern.get(get_pattern_key(list(pattern), current_key), peft_config.length)
        layer = target if isinstance(target, PrefixLayer) else PrefixLayer(target)
        layer.update_layer(adapter_name, length, peft_config)
        config: Any = layer.get_base_layer().config
        wanted = attention_with_prefixes(config._attn_implementation)
        if config._attn_implementation != wanted:
            self._attention_before = config._attn_implementation
            config._attn_implementation = wanted
        self._replace_module(parent, target_name, layer, target)

    def _unload_and_optionally_merge(self, *args: Any, **kwargs: Any) -> Any:
        model = super()._unload_and_optionally_merge(*args, **kwargs)
        model.config._attn_implementation = self._attention_before
        return model

    def _check_merge_allowed(self) -> None:
        raise ValueError("prefixes cannot be merged into the weights")


def _heads(attention: nn.Module) -> tuple[int, int]:
    """Return the number of key-value heads and the size of a head."""
    config: Any = attention.config
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    size = getattr(attention, "head_dim", None) or getattr(attention, "attention_head_size", None)
    return heads, size or config.hidden_size // config.num_attention_heads
