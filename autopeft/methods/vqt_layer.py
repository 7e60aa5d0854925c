"""Queries that read the layers of a backbone as a PEFT tuner; PEFT has none such."""

from __future__ import annotations

import inspect
import math
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from peft import PeftConfig
from torch import nn
from typing_extensions import override

from autopeft.backbones import features
from autopeft.methods.layer import TransparentLayer, WrappingTuner, adapter_dtype, plain
from autopeft.methods.prefix_attention import attention_with_prefixes
from autopeft.methods.recalled import Recalled
from autopeft.methods.vqt_head import ReadOut

__all__ = ["VqtConfig", "VqtLayer", "VqtTuner"]

#: What layers may be handed that tells nothing of where a token stands, or nothing at all in an encoder.
_PLACELESS = frozenset(
    {
        "hidden_states",
        "attention_mask",
        "encoder_hidden_states",
        "encoder_attention_mask",
        "past_key_values",
        "kwargs",
    }
)


@dataclass
class VqtConfig(PeftConfig):
    """Config of queries that read layers."""

    target_modules: list[str] | None = field(default=None, metadata={"help": "Names of the layers that are read."})
    order: list[str] = field(default_factory=list, metadata={"help": "The same names, from the lowest layer up."})
    queries: int = field(default=1, metadata={"help": "Number of queries in a layer."})
    queries_pattern: dict[str, int] = field(
        default_factory=dict, metadata={"help": "Number by name of the layer, where it differs from `queries`."}
    )
    dropout: float = field(default=0.1, metadata={"help": "Share of their numbers left out while they train."})
    attention_modules: dict[str, str] = field(
        default_factory=dict, metadata={"help": "For each layer, the full name of the module that attends."}
    )
    input_modules: dict[str, str] = field(
        default_factory=dict,
        metadata={"help": "For each layer, the full name of a matrix inside that reads hidden states, for their size."},
    )
    head_module: str = field(default="", metadata={"help": "Name of the last linear layer of the task head."})
    modules_to_save: list[str] | None = field(
        default=None, metadata={"help": "Modules trained and saved beside the queries, such as the task head."}
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.peft_type = "VQT"


class VqtLayer(TransparentLayer):
    """A layer as it is, and queries, `queries x d`, that go through it for the head alone."""

    adapter_layer_names = ("vqt_queries",)

    def __init__(self, base_layer: nn.Module, recalled: Recalled) -> None:
        super().__init__(base_layer)
        self.vqt_queries = nn.ParameterDict()
        self.vqt_dropout = nn.ModuleDict()
        self._recalled = recalled
        self._found: dict[str, tuple[str, ReadOut]] = {}

    def update_layer(
        self, adapter_name: str, name: str, size: tuple[int, int], bound: float, found: ReadOut, config: VqtConfig
    ) -> None:
        """Add queries of this name.

        Args:
            adapter_name: The name.
            name: That of the layer.
            size: Number of queries, and size of hidden states.
            bound: Of the numbers that they start with.
            found: Where what they find goes.
            config: The rest.
        """
        like: Any = {"dtype": adapter_dtype(self.base_layer), "device": next(self.base_layer.parameters()).device}
        self.vqt_queries[adapter_name] = nn.Parameter(nn.init.uniform_(torch.empty(size, **like), -bound, bound))
        self.vqt_dropout[adapter_name] = nn.Dropout(config.dropout).train(self.base_layer.training)
        self._found[adapter_name] = name, found
        self.set_adapter(adapter_name, inference_mode=config.inference_mode)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the layer does, and let the queries read it."""
        names = [name for name in self.active_adapters if name in self.vqt_queries]
        if self.disable_adapters or not names:
            return self.base_layer(*args, **kwargs)
        with self._recalled.kept():
            output = self.base_layer(*args, **kwargs)
            hidden: torch.Tensor = output[0] if isinstance(output, tuple) else output
            for name in names:
                # Copies: of a view, which without gradients has no place among them, FLOPs cannot be counted.
                queries = self.vqt_dropout[name](self.vqt_queries[name].repeat(len(hidden), 1, 1)).to(hidden.dtype)
                with self._recalled.read():
                    read = self._of_layer(queries, args, kwargs)
                layer, found = self._found[name]
                found.put(layer, read)
        return output

    def _of_layer(self, queries: torch.Tensor, args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.Tensor:
        """Return what the layer makes of queries, `batch x queries x d`."""
        args, kwargs = ((queries, *args[1:]), kwargs) if args else (args, {**kwargs, "hidden_states": queries})
        # Past its hooks, by which transformers collects the hidden states of tokens.
        output = self.base_layer.forward(*args, **kwargs)
        read: torch.Tensor = output[0] if isinstance(output, tuple) else output
        return read

    @override
    def detach_from_model(self) -> None:
        """Take the queries out of the attention and the head."""
        self._recalled.detach()
        for _, found in self._found.values():
            found.detach()


class VqtTuner(WrappingTuner):
    """PEFT tuner of queries; switches the model to an attention that lets them read, and has the head read them."""

    prefix = "vqt_"
    tuner_layer_cls = VqtLayer
    target_module_mapping: ClassVar[dict[str, list[str]]] = {}

    @override
    def _pre_injection_hook(self, model: nn.Module, config: PeftConfig, adapter_name: str) -> None:
        assert isinstance(config, VqtConfig)
        for name in config.order:
            _check(*(plain(model.get_submodule(each)) for each in (name, config.attention_modules[name])))
        self._found = ReadOut(config.order)
        head = dict(model.named_modules()).get(config.head_module)
        # Costs are counted of layers alone.
        if head is not None:
            self._found.into(head, sum(math.prod(self._size(name, config)) for name in config.order))

    def _create_and_replace(
        self,
        peft_config: VqtConfig,
        adapter_name: str,
        target: nn.Module,
        target_name: str,
        parent: nn.Module,
        current_key: str,
    ) -> None:
        attention = plain(self.model.get_submodule(peft_config.attention_modules[current_key]))
        size = self._size(current_key, peft_config)
        patch = getattr(getattr(self.model, "config", None), "patch_size", None)
        height, width = patch if isinstance(patch, (list, tuple)) else (patch, patch)
        pixels = 3 * height * width if height else size[1]
        layer = target if isinstance(target, VqtLayer) else VqtLayer(target, Recalled(attention))
        layer.update_layer(adapter_name, current_key, size, math.sqrt(6 / (pixels + size[1])), self._found, peft_config)
        config: Any = attention.config
        wanted = attention_with_prefixes(config._attn_implementation)
        if config._attn_implementation != wanted:
            self._attention_before = config._attn_implementation
            config._attn_implementation = wanted
        self._replace_module(parent, target_name, layer, target)

    def _size(self, name: str, config: VqtConfig) -> tuple[int, int]:
        """Return the number of queries in a layer, and the size of its hidden states."""
        reads = plain(self.model.get_submodule(config.input_modules[name]))
        return config.queries_pattern.get(name, config.queries), features(reads)[0]

    def _unload_and_optionally_merge(self, *args: Any, **kwargs: Any) -> Any:
        model = super()._unload_and_optionally_merge(*args, **kwargs)
        model.config._attn_implementation = self._attention_before
        return model

    def _check_merge_allowed(self) -> None:
        raise ValueError("queries cannot be merged into the weights")


def _check(layer: nn.Module, attention: nn.Module) -> None:
    """Check that queries can go through a layer, to which they have no place among the tokens.

    Raises:
        ValueError: They cannot.
    """
    if getattr(attention, "is_causal", True):
        raise ValueError("queries read all tokens of a text, of which a decoder sees those before; expected an encoder")
    placed = sorted(inspect.signature(layer.forward).parameters.keys() - _PLACELESS)
    if placed:
        raise ValueError(
            f"the layers of this architecture are handed {', '.join(placed)}: they may go by the place of a token, "
            "which queries have not; expected another method"
        )
