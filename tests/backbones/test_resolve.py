"""Roles are found in every architecture, or their absence is explained."""

import pytest
import torch
from transformers import (
    AutoModelForSequenceClassification,
    GPTNeoXConfig,
    MPNetConfig,
    OPTConfig,
    Phi3Config,
)

from autopeft.backbones import Anatomy, features, load_backbone
from autopeft.backbones.resolve import resolve_anatomy
from autopeft.errors import BackboneError
from autopeft.testing.models import ARCHITECTURES, tiny_backbone

SIZES = {
    "num_hidden_layers": 2,
    "hidden_size": 16,
    "num_attention_heads": 2,
    "vocab_size": 20,
    "pad_token_id": 0,
}


def _meta(config):
    with torch.device("meta"):
        return AutoModelForSequenceClassification.from_config(config)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_known_architectures(architecture, tmp_path) -> None:
    backbone = load_backbone(tiny_backbone(architecture, tmp_path, layers=3, hidden=32))
    shape, anatomy = backbone.shape, backbone.anatomy
    assert (shape.layers, shape.hidden, shape.ffn) == (3, 32, 64)
    assert shape.resolve("q") == ("qkv" if architecture == "gpt2" else "q")
    assert ("gate" in shape.roles) == (architecture in ("llama", "qwen2"))
    model = backbone.meta()
    sizes = {"q": (32, 32), "o": (32, 32), "up": (32, 64), "down": (64, 32)}
    if architecture == "gpt2":
        sizes["q"] = (32, 96)
    for layer in range(3):
        assert model.get_submodule(anatomy.attention_module(layer)).config is model.config
        for role, size in sizes.items():
            assert features(model.get_submodule(anatomy.module(layer, role))) == size


@pytest.mark.parametrize(
    ("config", "query", "down"),
    [
        (OPTConfig(**SIZES, ffn_dim=32, word_embed_proj_dim=16), "q", "model.decoder.layers.1.fc2"),
        (GPTNeoXConfig(**SIZES, intermediate_size=32), "qkv", "gpt_neox.layers.1.mlp.dense_4h_to_h"),
        (Phi3Config(**SIZES, intermediate_size=32), "qkv", "model.layers.1.mlp.down_proj"),
    ],
    ids=["opt", "gpt_neox", "phi3"],
)
def test_unlisted_architectures_by_customary_names(config, query, down) -> None:
    anatomy = resolve_anatomy(_meta(config))
    assert query in anatomy.roles
    assert anatomy.module(1, "down") == down


def test_an_unknown_architecture_says_what_is_missing_and_what_to_do() -> None:
    with pytest.raises(BackboneError) as raised:
        resolve_anatomy(_meta(MPNetConfig(**SIZES)))
    message = str(raised.value)
    assert "'mpnet'" in message
    assert "roles not found: q, k, v, o" in message
    assert "--roles FILE" in message
    assert "Anatomy(" in message


MAPPING = """
layers: encoder.layer
attention: attention.attn
roles: {q: attention.attn.q, k: attention.attn.k, v: attention.attn.v, o: attention.attn.o,
        up: intermediate.dense, down: output.dense}
"""


def test_a_mapping_makes_it_known(tmp_path) -> None:
    (tmp_path / "roles.yaml").write_text(MAPPING)
    anatomy = resolve_anatomy(_meta(MPNetConfig(**SIZES)), Anatomy.from_file(tmp_path / "roles.yaml"))
    assert anatomy.module(1, "o") == "mpnet.encoder.layer.1.attention.attn.o"
    assert anatomy.count == 2


def test_a_mapping_from_a_file_replaces_what_is_known(tmp_path) -> None:
    (tmp_path / "roles.yaml").write_text(
        "{layers: bert.encoder.layer, attention: attention.self, roles: {q: attention.self.value, "
        "k: attention.self.key, v: attention.self.query, o: attention.output.dense, "
        "up: intermediate.dense, down: output.dense}}"
    )
    backbone = load_backbone(tiny_backbone("bert", tmp_path), roles=tmp_path / "roles.yaml")
    assert backbone.anatomy.module(0, "q") == "bert.encoder.layer.0.attention.self.value"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("layers: x", "expected the keys layers, attention and roles"),
        ("- a", "expected the keys"),
        ("a: [", "cannot read"),
        ("{layers: x, attention: y, roles: 3}", "roles: expected a mapping"),
        ("{layers: x, attention: y, roles: {query: z}}", "unknown roles query"),
    ],
)
def test_a_broken_mapping_is_explained(tmp_path, text, message) -> None:
    (tmp_path / "roles.yaml").write_text(text)
    with pytest.raises(BackboneError, match=message):
        Anatomy.from_file(tmp_path / "roles.yaml")


def test_a_mapping_to_modules_that_are_not_there() -> None:
    wrong = Anatomy("encoder.layer", dict.fromkeys(("q", "k", "v", "o", "up", "down"), "nowhere"), "attn")
    with pytest.raises(BackboneError, match=r"q \(nowhere\)"):
        resolve_anatomy(_meta(MPNetConfig(**SIZES)), wrong)
