"""Tiny random models on disk, one per architecture: the real modelling code without a download."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import Lowercase
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from tokenizers.trainers import WordLevelTrainer
from transformers import (
    ASTConfig,
    ASTFeatureExtractor,
    AutoModel,
    BertConfig,
    DistilBertConfig,
    GPT2Config,
    LlamaConfig,
    PretrainedConfig,
    PreTrainedTokenizerFast,
    Qwen2Config,
    RobertaConfig,
    ViTConfig,
    Wav2Vec2Config,
    Wav2Vec2FeatureExtractor,
)
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

from autopeft.backbones import Backbone
from autopeft.backbones.quiet import quiet

__all__ = ["ARCHITECTURES", "TEXTS", "TEXT_ARCHITECTURES", "tiny_backbone", "tiny_batch", "tiny_tokenizer"]

#: Architectures that read texts and come with a tokenizer.
TEXT_ARCHITECTURES = ("bert", "roberta", "distilbert", "gpt2", "llama", "qwen2")
ARCHITECTURES = (*TEXT_ARCHITECTURES, "vit")
#: How tiny models make tokens of waveforms, 160 samples each.
_WAVEFORM = {
    "conv_dim": (16, 16),
    "conv_kernel": (40, 8),
    "conv_stride": (20, 8),
    "num_feat_extract_layers": 2,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
    "classifier_proj_size": 16,
}
#: Tokens of inputs that are no texts, where a model reads any number.
_FEW_TOKENS = 8
#: Architectures whose tokenizers have, as the real ones, an end-of-text but no padding token.
_WITHOUT_PADDING = ("gpt2", "llama")
#: What the tokenizers know by default.
TEXTS = (
    "a small model reads a short text",
    "the heart and the lung are organs of the body",
    "a fracture of the left arm or the right leg",
    "good bad happy sad film and story",
    "what who where when how much many of it",
    "one two three four five six seven eight nine ten",
)


def tiny_backbone(
    architecture: str,
    folder: str | Path,
    layers: int = 3,
    hidden: int = 32,
    vocabulary: tuple[str, ...] = TEXTS,
) -> str:
    """Write a tiny random model, with what reads inputs for it.

    Args:
        architecture: One of `ARCHITECTURES`, or `ast` or `wav2vec2`, which read sound.
        folder: Where to put it; made if need be.
        layers: Number of layers.
        hidden: Hidden size, a multiple of 8; heads are of size `hidden / 4`.
        vocabulary: Texts whose words the tokenizer knows.

    Returns:
        The folder of the model.
    """
    path = Path(folder) / f"tiny-{architecture}"
    config: PretrainedConfig
    if architecture == "vit":
        config = ViTConfig(**_sizes(layers, hidden), image_size=8, patch_size=4)
        ViTImageProcessorPil(size={"height": 8, "width": 8}).save_pretrained(path)
    elif architecture == "ast":
        bands = {"max_length": 32, "num_mel_bins": 16}
        config = ASTConfig(**_sizes(layers, hidden), **bands, patch_size=8, time_stride=8, frequency_stride=8)
        ASTFeatureExtractor(**bands).save_pretrained(path)
    elif architecture == "wav2vec2":
        config = Wav2Vec2Config(**_sizes(layers, hidden), **_WAVEFORM, feat_extract_norm="layer")
        Wav2Vec2FeatureExtractor(return_attention_mask=True).save_pretrained(path)
    else:
        decoder = architecture in ("gpt2", "llama", "qwen2")
        tokenizer = tiny_tokenizer(decoder, architecture not in _WITHOUT_PADDING, vocabulary)
        config = _text_config(architecture, layers, hidden, tokenizer)
        tokenizer.save_pretrained(path)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = AutoModel.from_config(config)
        for parameter in model.parameters():
            # transformers starts biases at 0 and norms at 1, which would hide mistakes.
            parameter.data.add_(0.05 * torch.randn_like(parameter))
    with quiet():
        model.save_pretrained(path)
    return str(path)


def _sizes(layers: int, hidden: int) -> dict[str, int]:
    return {
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": 4,
        "intermediate_size": 2 * hidden,
    }


def _text_config(architecture: str, layers: int, hidden: int, tokenizer: PreTrainedTokenizerFast) -> PretrainedConfig:
    common: dict[str, Any] = {"vocab_size": len(tokenizer), "pad_token_id": tokenizer.pad_token_id}
    usual = {**_sizes(layers, hidden), "max_position_embeddings": 130}
    grouped = {
        **usual,
        "num_key_value_heads": 2,
        "eos_token_id": tokenizer.eos_token_id,
        "bos_token_id": None,
    }
    match architecture:
        case "bert":
            return BertConfig(**common, **usual)
        case "roberta":
            return RobertaConfig(**common, **usual)
        case "distilbert":
            return DistilBertConfig(
                **common,
                dim=hidden,
                n_layers=layers,
                n_heads=4,
                hidden_dim=2 * hidden,
                max_position_embeddings=130,
            )
        case "gpt2":
            eos = tokenizer.eos_token_id
            return GPT2Config(
                **common,
                n_embd=hidden,
                n_layer=layers,
                n_head=4,
                n_inner=2 * hidden,
                n_positions=130,
                eos_token_id=eos,
                bos_token_id=eos,
            )
        case "llama":
            return LlamaConfig(**common, **grouped)
        case "qwen2":
            return Qwen2Config(**common, **grouped)
    raise ValueError(f"unknown architecture {architecture!r}; expected one of {', '.join(ARCHITECTURES)}")


def tiny_tokenizer(decoder: bool, padding: bool, vocabulary: tuple[str, ...] = TEXTS) -> PreTrainedTokenizerFast:
    """Return a tokenizer that knows the words of some texts.

    Args:
        decoder: Whether it ends texts with `[EOS]` on demand; else it puts `[CLS]` and `[SEP]` around them.
        padding: Whether it has a padding token.
        vocabulary: The texts.
    """
    special = ["[UNK]", "[EOS]", "[PAD]"] if decoder else ["[UNK]", "[PAD]", "[CLS]", "[SEP]"]
    tokenizer = Tokenizer(WordLevel(unk_token="[UNK]"))
    tokenizer.normalizer = Lowercase()
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.train_from_iterator(vocabulary, WordLevelTrainer(special_tokens=special))
    names: dict[str, str] = {"unk_token": "[UNK]"}
    if decoder:
        names["eos_token"] = "[EOS]"
    else:
        names.update(cls_token="[CLS]", sep_token="[SEP]")
        tokenizer.post_processor = TemplateProcessing(
            single="[CLS] $A [SEP]",
            pair="[CLS] $A [SEP] $B [SEP]",
            special_tokens=[(name, tokenizer.token_to_id(name)) for name in ("[CLS]", "[SEP]")],
        )
    if padding:
        names["pad_token"] = "[PAD]"
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=128,
        model_input_names=["input_ids", "attention_mask"],
        **names,
    )


def tiny_batch(backbone: Backbone) -> dict[str, torch.Tensor]:
    """Return a batch of two texts of different lengths, padded, or of two of what else it reads; labels 0 and 1."""
    labels = torch.tensor([0, 1])
    if not backbone.modality.tokenizes:
        [(name, blank)] = backbone.blank(_FEW_TOKENS).items()
        values = torch.randn(2, *blank.shape[1:], generator=torch.Generator().manual_seed(0))
        return {name: values, "labels": labels}
    texts = ["the heart and the lung are organs of the body", "a short text"]
    batch = backbone.tokenizer()(texts, padding=True, return_tensors="pt")
    return {**batch, "labels": labels}
