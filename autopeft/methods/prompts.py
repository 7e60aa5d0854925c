"""Prompt learning through PEFT: trained tokens, or trained keys and values, in front of every text."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from peft import PeftConfig, PeftModel, PeftModelForFeatureExtraction
from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import nn
from typing_extensions import override

from autopeft.backbones import Anatomy
from autopeft.methods.forward import unwrap_forward, wrap_forward
from autopeft.methods.method import Cells, Knobs, Method, Start, learning_rate
from autopeft.methods.peft_fields import field_knobs
from autopeft.space.placement import Cell
from autopeft.space.vocabulary import Knob, MethodWords

__all__ = ["PROMPTS", "InFront", "prompt_of"]

#: The attribute of an adapted backbone under which its prompt encoder is registered.
PROMPT = "autopeft_prompt"

_SET_BY_PEFT = ("token_dim", "num_transformer_submodules", "num_attention_heads", "num_layers")


class _NoLayer(BaseTunerLayer):
    """Prompt learning wraps no layer."""


class InFront(Method):
    """A prompt of PEFT's, put in front by extending the model's inputs.

    PEFT's own wrapper hands embeddings to the model, which then takes the last position for the last token of
    every text, padded or not. Here the model gets token ids, of which the first stand for the prompt, so that it
    pools where it should; without padding both compute the same.

    Attributes:
        cached: Whether PEFT gives keys and values of every layer, not embeddings.
    """

    order = 9
    layer_class = _NoLayer
    in_layers = False
    start: Start = "differs"
    mergeable = False
    quantizations = ("4bit", "8bit")
    cached: bool = False

    @override
    def modules(self, cell: Cell, knobs: Knobs, anatomy: Anatomy) -> tuple[str, ...]:
        """Return nothing: no module is wrapped."""
        return ()

    @override
    def insert(self, config: PeftConfig, model: Any) -> PeftModel:
        """Let PEFT make the prompt; put it before every text that goes into the model."""
        before = [(parameter, parameter.requires_grad) for parameter in model.parameters()]
        prompted = PeftModelForFeatureExtraction(model, config)
        for parameter, requires_grad in before:
            parameter.requires_grad_(requires_grad)
        # Inside the backbone: what lies outside it is the task head.
        model.base_model.add_module(PROMPT, prompted.prompt_encoder)
        extend = _with_cache if self.cached else _with_tokens
        wrap_forward(model, functools.partial(extend, prompted))
        return prompted

    @override
    def extract(self, tuner: Any, model: Any) -> None:
        """Take the prompt out of the model."""
        unwrap_forward(model)
        del model.base_model._modules[PROMPT]
        handle = getattr(tuner, "_autopeft_handle", None)
        if handle is not None:
            handle.remove()


class PromptMethod(InFront):
    """A prompt whose config has the fields that are its knobs.

    Args:
        name: Its name in spaces.
        peft_type: Its name in PEFT.
        summary: One line for people.
        source: The paper it comes from.
        knobs: Further knobs of its own.
        fixed: Fields with a value that is no knob.
        cached: See `InFront`.
        range: The lengths a space searches when it names none.
        rates: The learning rates a space searches when it names none.
    """

    def __init__(
        self,
        name: str,
        peft_type: str,
        summary: str,
        source: str,
        *,
        knobs: Sequence[Knob] = (),
        fixed: Mapping[str, Any] | None = None,
        cached: bool = False,
        range: str = "1..32 by x2",
        rates: str = "1e-3..1e-1 log",
    ) -> None:
        self.peft_type = peft_type
        self._config: type[PeftConfig] = PEFT_TYPE_TO_CONFIG_MAPPING[peft_type]
        self._fixed = dict(fixed or {})
        self.cached = cached
        self.allows_dropping = not cached
        taken = ("num_virtual_tokens", *_SET_BY_PEFT, *self._fixed, *(knob.name for knob in knobs))
        self.words = MethodWords(
            name=name,
            summary=summary,
            source=source,
            knobs=(
                Knob("length", "int", "number of trained tokens", low=1, gate=True, range=range),
                *knobs,
                *field_knobs(self._config, taken),
                learning_rate(rates),
            ),
            placement="model",
        )

    @override
    def peft_config(self, cells: Cells, anatomy: Anatomy) -> PeftConfig:
        """Return the prompt's config."""
        knobs = next(iter(cells.values()))
        fields = {
            knob.name: knobs[knob.name]
            for knob in self.words.knobs
            if knob.name not in ("length", "learning_rate") and knobs[knob.name] is not None
        }
        return self._config(num_virtual_tokens=knobs["length"], **fields, **self._fixed)


def prompt_of(tuner: PeftModel) -> Any:
    """Return the prompt encoder that PEFT made."""
    return tuner.prompt_encoder["default"]


def _with_tokens(prompted: PeftModel, original: Callable[..., Any]) -> Callable[..., Any]:
    """Return a forward that puts tokens with trained embeddings in front of the text."""
    current: list[torch.Tensor] = []

    def replace(_module: nn.Module, _inputs: Any, output: torch.Tensor) -> torch.Tensor:
        if not current:
            return output
        prompt = current.pop()
        return torch.cat([prompt.to(output.dtype), output[:, prompt.shape[1] :]], dim=1)

    prompted.__dict__["_autopeft_handle"] = prompted.base_model.get_input_embeddings().register_forward_hook(replace)

    def forward(input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None, **inputs: Any) -> Any:
        length = prompted.active_peft_config.num_virtual_tokens
        attention_mask = _seen(attention_mask, length)
        if _kept(inputs):
            # The prompt is in front of the tokens already whose keys and values are kept.
            _move(inputs, length)
            return original(input_ids=input_ids, attention_mask=attention_mask, **inputs)
        prompt = _prompt(prompted, len(input_ids))
        shape = prompt.shape[:2]
        if _move(inputs, length):
            front = torch.arange(length, device=input_ids.device).expand(shape)
            inputs["position_ids"] = torch.cat([front, inputs["position_ids"]], dim=1)
        # Any token but padding, which models leave out of positions and pooling.
        filler = 1 if getattr(prompted.config, "pad_token_id", None) == 0 else 0
        if inputs.get("token_type_ids") is not None:
            kinds = inputs["token_type_ids"]
            inputs["token_type_ids"] = torch.cat([kinds.new_zeros(shape), kinds], dim=1)
        current.append(prompt)
        try:
            return original(
                input_ids=torch.cat([input_ids.new_full(shape, filler), input_ids], dim=1),
                attention_mask=attention_mask,
                **inputs,
            )
        finally:
            current.clear()

    return forward


def _with_cache(prompted: PeftModel, original: Callable[..., Any]) -> Callable[..., Any]:
    """Return a forward that hands trained keys and values of every layer to the model as its cache."""

    def forward(input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None, **inputs: Any) -> Any:
        length = prompted.active_peft_config.num_virtual_tokens
        _move(inputs, length)
        if inputs.get("use_cache") is False:
            # transformers hands back what the last step returned even so.
            inputs.pop("past_key_values", None)
        if not _kept(inputs):
            prompt = prompted.get_prompt(len(input_ids))
            given = inputs.get("past_key_values")
            if given is None:
                inputs["past_key_values"] = prompt
            else:
                for index, layer in enumerate(prompt.layers):
                    given.update(layer.keys, layer.values, index)
        return original(input_ids=input_ids, attention_mask=_seen(attention_mask, length), **inputs)

    return forward


def _kept(inputs: Mapping[str, Any]) -> int:
    """Return of how many tokens, the prompt among them, the keys and values come with the inputs."""
    past = inputs.get("past_key_values")
    return 0 if past is None else past.get_seq_length()


def _move(inputs: dict[str, Any], length: int) -> bool:
    """Move the positions of a text behind a prompt of this length; tell whether they were given."""
    given = inputs.get("position_ids") is not None
    if given:
        inputs["position_ids"] = inputs["position_ids"] + length
    return given


def _seen(mask: torch.Tensor | None, length: int) -> torch.Tensor | None:
    """Return an attention mask, `batch x tokens`, with a prompt of this length in front; None sees all anyway."""
    return None if mask is None else torch.cat([mask.new_ones(len(mask), length), mask], dim=1)


def _prompt(prompted: PeftModel, batch: int) -> torch.Tensor:
    """Return the prompt's embeddings, `batch x length x hidden`."""
    config = prompted.active_peft_config
    device = next(prompted.parameters()).device
    tasks = torch.zeros(batch, dtype=torch.long, device=device) if hasattr(config, "num_tasks") else None
    prompt: torch.Tensor = prompted.get_prompt(batch, task_ids=tasks)
    return prompt


PROMPTS = (
    PromptMethod(
        "prompt",
        "PROMPT_TUNING",
        "trained token embeddings in front of the text",
        "Lester et al. 2021, arXiv:2104.08691",
        fixed={"prompt_tuning_init": "RANDOM"},
    ),
    PromptMethod(
        "p_tuning",
        "P_TUNING",
        "trained tokens in front of the text, through a small network (P-tuning v1)",
        "Liu et al. 2021, arXiv:2103.10385",
        knobs=(
            Knob("encoder_hidden_size", "int", "inner size of the network", default=64, low=1),
            Knob(
                "encoder_reparameterization_type",
                "choice",
                "what the network is",
                default="MLP",
                choices=("MLP", "LSTM"),
            ),
        ),
        rates="5e-4..2e-2 log",
    ),
    PromptMethod(
        "prefix_tuning",
        "PREFIX_TUNING",
        "trained keys and values in every layer (prefix tuning; P-tuning v2 without projection)",
        "Li and Liang 2021, arXiv:2101.00190; Liu et al. 2021, arXiv:2110.07602",
        knobs=(
            Knob("encoder_hidden_size", "int", "inner size of the projection", optional=True, low=1),
            Knob("prefix_projection", "bool", "whether they come out of a small network", default=False),
        ),
        fixed={"init_weights": None},
        cached=True,
        rates="1e-3..3e-2 log",
    ),
    PromptMethod(
        "multitask_prompt",
        "MULTITASK_PROMPT_TUNING",
        "trained tokens times a low-rank matrix of the task; here there is one task",
        "Wang et al. 2023, arXiv:2303.02861",
        fixed={"prompt_tuning_init": "RANDOM", "num_tasks": 1, "prompt_tuning_init_task": 0},
    ),
    PromptMethod(
        "cartridge",
        "CARTRIDGE",
        "trained keys and values in every layer, the first of them frozen",
        "Cartridges, in PEFT 0.21",
        knobs=(Knob("num_frozen_tokens", "int", "first tokens that stay as they start", default=1, low=0),),
        cached=True,
        range="2..32 by x2",
        rates="1e-3..3e-2 log",
    ),
)
