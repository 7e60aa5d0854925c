"""The anatomies autopeft knows, by the `model_type` of the transformers config."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from autopeft.backbones.anatomy import Anatomy

if TYPE_CHECKING:
    from transformers import PretrainedConfig

__all__ = ["ARCHITECTURES", "REFUSED", "known_anatomy"]

_BERT = Anatomy(
    layers="encoder.layer",
    attention="attention.self",
    roles={
        "q": "attention.self.query",
        "k": "attention.self.key",
        "v": "attention.self.value",
        "o": "attention.output.dense",
        "up": "intermediate.dense",
        "down": "output.dense",
    },
    sublayer_norms={"o": "attention.output.LayerNorm", "down": "output.LayerNorm"},
    norms_after=True,
)
_DISTILBERT = Anatomy(
    layers="transformer.layer",
    attention="attention",
    roles={
        "q": "attention.q_lin",
        "k": "attention.k_lin",
        "v": "attention.v_lin",
        "o": "attention.out_lin",
        "up": "ffn.lin1",
        "down": "ffn.lin2",
    },
    sublayer_norms={"o": "sa_layer_norm", "down": "output_layer_norm"},
    norms_after=True,
)
_MPNET = Anatomy(
    layers="encoder.layer",
    attention="attention.attn",
    roles={
        "q": "attention.attn.q",
        "k": "attention.attn.k",
        "v": "attention.attn.v",
        "o": "attention.attn.o",
        "up": "intermediate.dense",
        "down": "output.dense",
    },
    sublayer_norms={"o": "attention.LayerNorm", "down": "output.LayerNorm"},
    norms_after=True,
)
_DEBERTA = Anatomy(
    layers="encoder.layer",
    attention="attention.self",
    roles={
        "qkv": "attention.self.in_proj",
        "o": "attention.output.dense",
        "up": "intermediate.dense",
        "down": "output.dense",
    },
    sublayer_norms={"o": "attention.output.LayerNorm", "down": "output.LayerNorm"},
    norms_after=True,
)
_DEBERTA_V2 = Anatomy(
    layers="encoder.layer",
    attention="attention.self",
    roles={
        "q": "attention.self.query_proj",
        "k": "attention.self.key_proj",
        "v": "attention.self.value_proj",
        "o": "attention.output.dense",
        "up": "intermediate.dense",
        "down": "output.dense",
    },
    sublayer_norms={"o": "attention.output.LayerNorm", "down": "output.LayerNorm"},
    norms_after=True,
)
_MODERNBERT = Anatomy(
    layers="layers",
    attention="attn",
    roles={"qkv": "attn.Wqkv", "o": "attn.Wo", "up": "mlp.Wi", "gate": "mlp.Wi", "down": "mlp.Wo"},
    sublayer_norms={"o": "attn_norm", "down": "mlp_norm"},
    last_norm="final_norm",
)
_GPT2 = Anatomy(
    layers="h",
    attention="attn",
    roles={"qkv": "attn.c_attn", "o": "attn.c_proj", "up": "mlp.c_fc", "down": "mlp.c_proj"},
    sublayer_norms={"o": "ln_1", "down": "ln_2"},
    last_norm="ln_f",
)
_GPT_NEOX = Anatomy(
    layers="layers",
    attention="attention",
    roles={
        "qkv": "attention.query_key_value",
        "o": "attention.dense",
        "up": "mlp.dense_h_to_4h",
        "down": "mlp.dense_4h_to_h",
    },
    sublayer_norms={"o": "input_layernorm", "down": "post_attention_layernorm"},
    last_norm="final_layer_norm",
)
_LLAMA = Anatomy(
    layers="layers",
    attention="self_attn",
    roles={
        "q": "self_attn.q_proj",
        "k": "self_attn.k_proj",
        "v": "self_attn.v_proj",
        "o": "self_attn.o_proj",
        "up": "mlp.up_proj",
        "gate": "mlp.gate_proj",
        "down": "mlp.down_proj",
    },
    sublayer_norms={"o": "input_layernorm", "down": "post_attention_layernorm"},
    last_norm="norm",
)
_PHI = Anatomy(
    layers="layers",
    attention="self_attn",
    roles={
        "q": "self_attn.q_proj",
        "k": "self_attn.k_proj",
        "v": "self_attn.v_proj",
        "o": "self_attn.dense",
        "up": "mlp.fc1",
        "down": "mlp.fc2",
    },
    sublayer_norms={"o": "input_layernorm", "down": "input_layernorm"},
    last_norm="final_layernorm",
)
_PHI3 = Anatomy(
    layers="layers",
    attention="self_attn",
    roles={
        "qkv": "self_attn.qkv_proj",
        "o": "self_attn.o_proj",
        "up": "mlp.gate_up_proj",
        "gate": "mlp.gate_up_proj",
        "down": "mlp.down_proj",
    },
    sublayer_norms={"o": "input_layernorm", "down": "post_attention_layernorm"},
    last_norm="norm",
)
_VIT = Anatomy(
    layers="layers",
    attention="attention",
    roles={
        "q": "attention.q_proj",
        "k": "attention.k_proj",
        "v": "attention.v_proj",
        "o": "attention.o_proj",
        "up": "mlp.fc1",
        "down": "mlp.fc2",
    },
    sublayer_norms={"o": "layernorm_before", "down": "layernorm_after"},
    last_norm="layernorm",
)
_CLIP = Anatomy(
    layers="encoder.layers",
    attention="self_attn",
    roles={
        "q": "self_attn.q_proj",
        "k": "self_attn.k_proj",
        "v": "self_attn.v_proj",
        "o": "self_attn.out_proj",
        "up": "mlp.fc1",
        "down": "mlp.fc2",
    },
    sublayer_norms={"o": "layer_norm1", "down": "layer_norm2"},
)
#: Norms stand behind the sums, or before the sublayers where the config says `do_stable_layer_norm`.
_WAV2VEC2 = Anatomy(
    layers="encoder.layers",
    attention="attention",
    roles={
        "q": "attention.q_proj",
        "k": "attention.k_proj",
        "v": "attention.v_proj",
        "o": "attention.out_proj",
        "up": "feed_forward.intermediate_dense",
        "down": "feed_forward.output_dense",
    },
    sublayer_norms={"o": "layer_norm", "down": "final_layer_norm"},
    norms_after=True,
)
_WHISPER = replace(
    _CLIP,
    layers="layers",
    roles={**_CLIP.roles, "up": "fc1", "down": "fc2"},
    sublayer_norms={"o": "self_attn_layer_norm", "down": "final_layer_norm"},
    last_norm="layer_norm",
)
#: Layers that scale or normalise what a sublayer gives before they add it to the residual stream.
_GEMMA2 = replace(_LLAMA, sublayer_norms={})
_BEIT = replace(_VIT, sublayer_norms={}, last_norm="")

#: Anatomy of the bare model, by model type.
ARCHITECTURES: Mapping[str, Anatomy] = {
    "bert": _BERT,
    "roberta": _BERT,
    "xlm-roberta": _BERT,
    "camembert": _BERT,
    "electra": _BERT,
    "distilbert": _DISTILBERT,
    "mpnet": _MPNET,
    "deberta": _DEBERTA,
    "deberta-v2": _DEBERTA_V2,
    "modernbert": _MODERNBERT,
    "gpt2": _GPT2,
    "gpt_neox": _GPT_NEOX,
    "llama": _LLAMA,
    "mistral": _LLAMA,
    "qwen2": _LLAMA,
    "qwen3": _LLAMA,
    "gemma": _LLAMA,
    "gemma2": _GEMMA2,
    "gemma3_text": _GEMMA2,
    "phi": _PHI,
    "phi3": _PHI3,
    "vit": _VIT,
    "deit": _VIT,
    "beit": _BEIT,
    "clip": _CLIP,
    "siglip": _CLIP,
    "audio-spectrogram-transformer": _VIT,
    "wav2vec2": _WAV2VEC2,
    "hubert": _WAV2VEC2,
    "wavlm": _WAV2VEC2,
    "whisper": _WHISPER,
}


def known_anatomy(config: PretrainedConfig) -> Anatomy | None:
    """Return the anatomy of a listed architecture, as a config of it says; None for others."""
    found = ARCHITECTURES.get(config.model_type)
    if found is not None and getattr(config, "do_stable_layer_norm", False):
        return replace(found, norms_after=False, last_norm="encoder.layer_norm")
    return found


#: Why models of a type cannot be adapted layer by layer, unless the user maps them.
REFUSED: Mapping[str, str] = {
    "albert": "its layers share one set of weights, so that adapters cannot differ between them; choose another model",
    "swin": "its stages differ in size, so that its layers are of no one kind; choose another model",
    "swinv2": "its stages differ in size, so that its layers are of no one kind; choose another model",
}
