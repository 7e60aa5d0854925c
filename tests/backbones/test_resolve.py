"""An anatomy comes from customary names or a mapping; what cannot be found is explained."""

import pytest
import torch
from transformers import (
    AlbertConfig,
    AutoModelForImageClassification,
    AutoModelForSequenceClassification,
    Dinov2Config,
    GPTJConfig,
    OPTConfig,
    Phi3Config,
)

from autopeft.backbones import Anatomy, load_backbone
from autopeft.backbones.resolve import resolve_anatomy
from autopeft.errors import BackboneError
from autopeft.testing.models import tiny_backbone

LAYERS = {"num_hidden_layers": 2, "hidden_size": 16, "num_attention_heads": 2}
SIZES = {**LAYERS, "vocab_size": 20, "pad_token_id": 0, "bos_token_id": None, "eos_token_id": 1}


def _meta(config, auto=AutoModelForSequenceClassification):
    with torch.device("meta"):
        return auto.from_config(config)


def test_unlisted_architectures_by_customary_names() -> None:
    opt = resolve_anatomy(_meta(OPTConfig(**SIZES, ffn_dim=32, word_embed_proj_dim=16)))
    assert opt.module(1, "q") == "model.decoder.layers.1.self_attn.q_proj"
    assert opt.module(1, "down") == "model.decoder.layers.1.fc2"
    dinov2 = resolve_anatomy(_meta(Dinov2Config(**LAYERS, image_size=8, patch_size=4), AutoModelForImageClassification))
    assert dinov2.module(1, "o") == "dinov2.encoder.layer.1.attention.o_proj"
    assert dinov2.module(1, "up") == "dinov2.encoder.layer.1.mlp.fc1"


def test_a_fused_gate_by_its_customary_name() -> None:
    model = _meta(Phi3Config(**SIZES, intermediate_size=32))
    model.config.model_type = "of tomorrow"
    anatomy = resolve_anatomy(model)
    assert anatomy.aliases == {"q": "qkv", "k": "qkv", "v": "qkv", "gate": "up"}
    assert anatomy.attention == "self_attn"


def test_an_unknown_architecture_says_what_is_missing_and_what_to_do() -> None:
    with pytest.raises(BackboneError) as raised:
        resolve_anatomy(_meta(GPTJ))
    message = str(raised.value)
    assert "'gptj'" in message
    assert "roles not found: up, down" in message
    assert "--roles FILE" in message
    assert "Anatomy(" in message


def test_layers_that_share_their_weights_are_refused_unless_mapped() -> None:
    model = _meta(AlbertConfig(**SIZES, intermediate_size=32))
    with pytest.raises(BackboneError, match=r"'albert' models cannot be adapted layer by layer: .*share one set"):
        resolve_anatomy(model)
    layer = "albert_layers.0"
    roles = {"q": "attention.query", "k": "attention.key", "v": "attention.value", "o": "attention.dense"}
    roles |= {"up": "ffn", "down": "ffn_output"}
    shared = Anatomy(
        "encoder.albert_layer_groups", {role: f"{layer}.{name}" for role, name in roles.items()}, f"{layer}.attention"
    )
    assert resolve_anatomy(model, shared).count == 1


GPTJ = GPTJConfig(n_layer=2, n_embd=16, n_head=2, rotary_dim=4, vocab_size=20, bos_token_id=None, eos_token_id=1)
MAPPING = """
layers: h
attention: attn
roles: {q: attn.q_proj, k: attn.k_proj, v: attn.v_proj, o: attn.out_proj, up: mlp.fc_in, down: mlp.fc_out}
"""


def test_a_mapping_makes_it_known(tmp_path) -> None:
    (tmp_path / "roles.yaml").write_text(MAPPING)
    anatomy = resolve_anatomy(_meta(GPTJ), Anatomy.from_file(tmp_path / "roles.yaml"))
    assert anatomy.module(1, "o") == "transformer.h.1.attn.out_proj"
    assert anatomy.count == 2
    assert anatomy.norms(1) == ("transformer.h.1.ln_1",)
    assert anatomy.biased(1) == tuple(f"transformer.h.1.{name}" for name in ("ln_1", "mlp.fc_in", "mlp.fc_out"))
    assert anatomy.embedding == "transformer.wte"


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
        ("{layers: x, attention: y, roles: {query: z}}", "roles: found query; expected some of"),
    ],
)
def test_a_broken_mapping_is_explained(tmp_path, text, message) -> None:
    (tmp_path / "roles.yaml").write_text(text)
    with pytest.raises(BackboneError, match=message):
        Anatomy.from_file(tmp_path / "roles.yaml")


def test_a_mapping_to_modules_that_are_not_there() -> None:
    wrong = Anatomy("h", dict.fromkeys(("q", "k", "v", "o", "up", "down"), "nowhere"), "attn")
    with pytest.raises(BackboneError, match=r"q \(nowhere\)"):
        resolve_anatomy(_meta(GPTJ), wrong)
