"""Tiny random causal language models on disk, one per architecture, with a tokenizer and perhaps a chat template."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM

from autopeft.backbones.quiet import quiet
from autopeft.testing.models import TEXTS, tiny_tokenizer

__all__ = ["CHAT_TEMPLATE", "DECODERS", "tiny_decoder"]

_USUAL: Mapping[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 130,
}
_GROUPED: Mapping[str, Any] = {**_USUAL, "num_key_value_heads": 2, "head_dim": 8}

#: Settings of the config of each architecture, by `model_type`.
DECODERS: Mapping[str, Mapping[str, Any]] = {
    "gpt2": {"n_embd": 32, "n_layer": 3, "n_head": 4, "n_inner": 64, "n_positions": 130},
    "gpt_neox": _USUAL,
    "llama": _GROUPED,
    "mistral": _GROUPED,
    "qwen2": {key: value for key, value in _GROUPED.items() if key != "head_dim"},
    "qwen3": _GROUPED,
    "gemma": _GROUPED,
    "gemma2": _GROUPED,
    "gemma3_text": _GROUPED,
    "phi": _USUAL,
    "phi3": {**_USUAL, "num_key_value_heads": 2},
}

#: One that `TEXTS` can be said in: every turn opens with its role and ends with `[EOS]`.
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ message['role'] + ' ' + message['content'] + ' [EOS] ' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'assistant ' }}{% endif %}"
)


def tiny_decoder(
    architecture: str,
    folder: str | Path,
    *,
    tied: bool = False,
    template: str | None = None,
    vocabulary: tuple[str, ...] = TEXTS,
) -> str:
    """Write a tiny random causal language model of 3 layers and hidden size 32, with its tokenizer.

    Args:
        architecture: One of `DECODERS`.
        folder: Where to put it; made if need be.
        tied: Whether its head is its embeddings.
        template: The tokenizer's chat template.
        vocabulary: Texts whose words the tokenizer knows.

    Returns:
        The folder of the model.
    """
    path = Path(folder) / f"tiny-{architecture}"
    tokenizer = tiny_tokenizer(decoder=True, padding=False, vocabulary=vocabulary)
    tokenizer.chat_template = template
    tokenizer.save_pretrained(path)
    config = AutoConfig.for_model(
        architecture,
        **DECODERS[architecture],
        # With ids to spare, as real models have: some tokenizer classes add tokens of their own.
        vocab_size=len(tokenizer) + 8,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=None,
        tie_word_embeddings=tied,
    )
    with torch.random.fork_rng(devices=[]), quiet():
        torch.manual_seed(0)
        AutoModelForCausalLM.from_config(config).save_pretrained(path)
    return str(path)
