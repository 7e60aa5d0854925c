"""PEFT's methods that are put into a model as a whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from peft import AdaptionPromptConfig, PeftConfig, ShadowConfig, TrainableTokensConfig
from peft.tuners.adaption_prompt.layer import AdaptedAttention, AdaptedAttentionGPT
from peft.tuners.shadow.layers import ShadowLayer
from peft.tuners.trainable_tokens.layer import TrainableTokensLayer
from peft.tuners.tuners_utils import BaseTuner
from torch import nn
from typing_extensions import override

from autopeft.backbones import Anatomy
from autopeft.methods.forward import unwrap_forward, wrap_forward
from autopeft.methods.method import Cells, Knobs, Method, Start, learning_rate, shared_knob
from autopeft.methods.peft_method import PeftMethod, rank
from autopeft.space.placement import Cell
from autopeft.space.vocabulary import Knob, MethodWords

__all__ = ["WHOLE_MODEL"]


#: The attribute of an adapted backbone under which the shadow's own network is registered.
_HELD = "autopeft_shadow"

#: Parts of a mirrored network that ShadowPEFT runs past: it is driven by the backbone's embeddings.
_UNREAD = ("embeddings.word_embeddings", "pooler", "wte")


class TrainableTokens(Method):
    """The embeddings of some tokens, trained; many tokenizers put special and frequent tokens first."""

    words = MethodWords(
        name="trainable_tokens",
        summary="the embeddings of the first tokens of the vocabulary, trained themselves",
        source="TrainableTokens, in PEFT 0.21",
        knobs=(
            Knob("tokens", "int", "how many of the first token ids", low=1, gate=True, range="4..256 by x4"),
            learning_rate("1e-4..1e-2 log"),
        ),
        placement="model",
    )
    peft_type = "TRAINABLE_TOKENS"
    order = 0
    layer_class = TrainableTokensLayer
    in_layers = False
    start: Start = "exact"
    mergeable = True
    quantizations = ("4bit", "8bit")

    @override
    def modules(self, cell: Cell, knobs: Knobs, anatomy: Anatomy) -> tuple[str, ...]:
        """Return the token embedding."""
        return (anatomy.embedding,) if anatomy.embedding else ()

    @override
    def peft_config(self, cells: Cells, anatomy: Anatomy) -> TrainableTokensConfig:
        """Return a config for the first tokens."""
        targets = [anatomy.embedding] if anatomy.embedding else None
        return TrainableTokensConfig(target_modules=targets, token_indices=list(range(shared_knob(cells, "tokens"))))


class AdaptionPrompt(Method):
    """LLaMA-Adapter: gated prompts in the attention of the top layers."""

    words = MethodWords(
        name="adaption_prompt",
        summary="gated trained tokens in the attention of the top layers (LLaMA-Adapter)",
        source="Zhang et al. 2023, arXiv:2303.16199",
        knobs=(
            Knob("length", "int", "number of trained tokens", low=1, gate=True, range="2..32 by x2"),
            Knob("top_layers", "int", "how many layers, counted from the top", default=2, low=1),
            learning_rate("1e-3..3e-2 log"),
        ),
        placement="model",
    )
    prunable = False
    allows_dropping = False
    peft_type = "ADAPTION_PROMPT"
    order = 8
    layer_class = (AdaptedAttention, AdaptedAttentionGPT)
    suppressible = False
    start: Start = "exact"
    mergeable = False
    quantizations = ("4bit", "8bit")

    @override
    def modules(self, cell: Cell, knobs: Knobs, anatomy: Anatomy) -> tuple[str, ...]:
        """Return the attention modules of the top layers."""
        layers = range(max(0, anatomy.count - knobs["top_layers"]), anatomy.count)
        return tuple(anatomy.attention_module(layer) for layer in layers)

    @override
    def peft_config(self, cells: Cells, anatomy: Anatomy) -> AdaptionPromptConfig:
        """Return the config."""
        knobs = next(iter(cells.values()))
        return AdaptionPromptConfig(adapter_len=knobs["length"], adapter_layers=knobs["top_layers"])

    @override
    def wraps(self, cells: Cells, anatomy: Anatomy) -> list[str]:
        """Return the attention modules of the top layers."""
        return [name for cell, knobs in cells.items() for name in self.modules(cell, knobs, anatomy)]

    @override
    def insert(self, config: PeftConfig, model: nn.Module) -> Any:
        """Let PEFT replace the attention modules."""
        from peft.tuners.adaption_prompt import AdaptionPromptModel

        return AdaptionPromptModel(model, {"default": config}, "default")


class Shadow(Method):
    """ShadowPEFT: a small network of its own beside a decoder, which every layer listens to.

    Its auxiliary loss trains the small network to work without the decoder, which nothing here asks for.
    """

    words = MethodWords(
        name="shadow",
        summary="a small trained network beside a decoder, which every layer listens to",
        source="ShadowPEFT, in PEFT 0.21",
        knobs=(
            rank("2..16 by x2", placed=False, help="rank of what each layer takes and gives"),
            Knob("shadow_alpha", "float", "strength with which a layer listens", default=0.1, low=1e-6),
            Knob("shadow_dropout", "float", "dropout inside", default=0.0, low=0.0, high=0.95),
            Knob("shadow_num_hidden_layers", "int", "layers of the small network", default=1, low=1),
            learning_rate("5e-4..1e-2 log"),
        ),
        placement="model",
    )
    peft_type = "SHADOW"
    compressible = False
    order = 7
    layer_class = ShadowLayer
    suppressible = False
    start: Start = "differs"
    mergeable = False
    # Its own network keeps no keys and values.
    stepwise = False
    quantizations = ("4bit", "8bit")

    @override
    def modules(self, cell: Cell, knobs: Knobs, anatomy: Anatomy) -> tuple[str, ...]:
        """Return all layers."""
        return tuple(anatomy.layer(index) for index in range(anatomy.count))

    @override
    def peft_config(self, cells: Cells, anatomy: Anatomy) -> ShadowConfig:
        """Return a config over all layers."""
        fields = {name: value for name, value in next(iter(cells.values())).items() if name != "learning_rate"}
        if not anatomy.embedding:
            # PEFT takes it, and fails in the first forward.
            raise ValueError("ShadowPEFT runs models on token ids")
        return ShadowConfig(
            target_modules=[anatomy.layer(index) for index in range(anatomy.count)],
            r=fields.pop("rank"),
            auxiliary_loss_weight=0.0,
            **fields,
        )

    @override
    def insert(self, config: PeftConfig, model: Any) -> Any:
        """Let PEFT put it in; make what its tuner holds a part of the backbone, so that it trains."""
        tuner = super().insert(config, model)
        held = (tuner.shadow_backbone, tuner.shadow_projection, tuner.shadow_head)
        model.base_model.add_module(_HELD, nn.ModuleList(held))
        return tuner

    @override
    def freeze(self, tuner: BaseTuner, cells: Cells, anatomy: Anatomy, prepared: Any) -> None:
        """Freeze what nothing reads: the state after the last layer, the small network's embedding and pooler."""
        last = tuner.model.get_submodule(anatomy.layer(anatomy.count - 1))
        unread: list[Any] = [last.shadow_update_transform, last.shadow_update_gate]
        small: Any = tuner.shadow_backbone["default"]
        unread += [small.get_submodule(name) for name in _UNREAD if name in dict(small.named_modules())]
        for module in unread:
            module.requires_grad_(False)

    @override
    def extract(self, tuner: Any, model: Any) -> None:
        """Remove the hooks on the first and the last layer, and what the tuner holds."""
        del model.base_model._modules[_HELD]
        for handle in tuner._boundary_hook_handles:
            handle.remove()


class Poly(PeftMethod):
    """Poly mixes low-rank skills by task; here there is one task."""

    def __init__(self) -> None:
        super().__init__(
            "poly",
            "POLY",
            "low-rank products mixed out of an inventory of skills; here for one task",
            "Ponti et al. 2022, arXiv:2202.13914",
            knobs=(
                rank("1..16 by x2"),
                Knob("n_skills", "int", "skills in the inventory", default=4, low=1),
            ),
            fields={"rank": "r"},
            fixed={"n_tasks": 1, "poly_type": "poly"},
            mergeable=False,
            quantizations=("4bit",),
        )

    @override
    def insert(self, config: PeftConfig, model: nn.Module) -> Any:
        """Let PEFT put it in; tell its layers that every text is of task 0."""
        tuner = super().insert(config, model)

        def make(original: Callable[..., Any]) -> Callable[..., Any]:
            def forward(*args: Any, **inputs: Any) -> Any:
                batch = next(value for value in (*args, *inputs.values()) if isinstance(value, torch.Tensor))
                # On the CPU, where PEFT looks at them first; its router brings them to its own device.
                with tuner._manage_pre_hooks(torch.zeros(len(batch), dtype=torch.long)):
                    return original(*args, **inputs)

            return forward

        wrap_forward(model, make)
        return tuner

    @override
    def extract(self, tuner: Any, model: nn.Module) -> None:
        """Give the model its own forward back."""
        unwrap_forward(model)


WHOLE_MODEL = (TrainableTokens(), AdaptionPrompt(), Shadow(), Poly())
