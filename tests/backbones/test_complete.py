"""Checkpoints that lack weights of their model, and pooling where config and tokenizer name other padding."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from autopeft.backbones import load_backbone, load_decoder
from autopeft.errors import BackboneError
from autopeft.testing.decoders import tiny_decoder
from autopeft.testing.models import tiny_backbone


def change(model, edit):
    path = Path(model) / "model.safetensors"
    weights = edit(load_file(path))
    save_file({name: value.contiguous() for name, value in weights.items()}, path, metadata={"format": "pt"})


def without(*parts):
    return lambda weights: {name: value for name, value in weights.items() if not any(part in name for part in parts)}


@pytest.mark.parametrize("architecture", ["bert", "gpt2"])
def test_a_new_head_and_a_new_pooler_are_expected(tmp_path, architecture):
    model = tiny_backbone(architecture, tmp_path)
    change(model, without("pooler"))
    assert load_backbone(model).classifier(3).num_labels == 3


def test_a_missing_layer_is_not(tmp_path):
    model = tiny_backbone("bert", tmp_path)
    change(model, without("layer.1.attention.self.query"))
    with pytest.raises(
        BackboneError, match=r"lacks .*layer\.1\.attention\.self\.query\.bias and 1 more weights of the"
    ):
        load_backbone(model).classifier(3)


def test_weights_of_another_name_are_not(tmp_path):
    model = tiny_backbone("bert", tmp_path)
    change(model, lambda weights: {f"other.{name}": value for name, value in weights.items()})
    with pytest.raises(BackboneError, match="drawn at random"):
        load_backbone(model).classifier(3)


def test_embeddings_of_another_size_are_not(tmp_path):
    model = tiny_backbone("bert", tmp_path)
    config = Path(model) / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"vocab_size": 40}))
    with pytest.raises(BackboneError, match=r"has in another size .*word_embeddings\.weight of the 'bert' model"):
        load_backbone(model).classifier(3)


def test_a_decoder_without_its_head_is_refused_and_one_whose_head_is_its_embeddings_is_not(tmp_path):
    assert load_decoder(tiny_decoder("llama", tmp_path / "tied", tied=True)).language_model()
    model = tiny_decoder("llama", tmp_path / "own")
    change(model, without("lm_head"))
    with pytest.raises(BackboneError, match=r"lacks lm_head\.weight of the 'llama' model"):
        load_decoder(model).language_model()


def test_a_text_means_the_same_padded_where_config_and_tokenizer_name_other_tokens(tmp_path):
    model = tiny_backbone("llama", tmp_path)
    config = Path(model) / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"pad_token_id": 5}))
    backbone = load_backbone(model)
    classifier, tokenizer = backbone.classifier(2), backbone.tokenizer()
    texts = ["a small model", "the heart and the lung are organs of the body"]
    with torch.no_grad():
        [alone, _] = classifier(**tokenizer(texts[:1], return_tensors="pt")).logits[0]
        [padded, _] = classifier(**tokenizer(texts, padding=True, return_tensors="pt")).logits[0]
    assert padded.item() == pytest.approx(alone.item(), abs=1e-5)
