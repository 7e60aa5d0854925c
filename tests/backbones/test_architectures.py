"""What is known of every listed architecture holds in transformers' own model of it."""

import pytest
import torch
from transformers import (
    AutoModelForImageClassification,
    AutoModelForSequenceClassification,
    BeitConfig,
    CamembertConfig,
    CLIPConfig,
    DebertaConfig,
    DebertaV2Config,
    DeiTConfig,
    ElectraConfig,
    Gemma2Config,
    Gemma3TextConfig,
    GemmaConfig,
    GPTNeoXConfig,
    MistralConfig,
    ModernBertConfig,
    MPNetConfig,
    Phi3Config,
    PhiConfig,
    Qwen3Config,
    SiglipConfig,
    XLMRobertaConfig,
)

from autopeft.backbones import features, load_backbone
from autopeft.backbones.architectures import ARCHITECTURES as LISTED
from autopeft.backbones.resolve import resolve_anatomy
from autopeft.backbones.tower import layer_config, settle_tower
from autopeft.errors import BackboneError
from autopeft.testing.models import ARCHITECTURES, tiny_backbone

USUAL = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 64}
TEXT = {**USUAL, "vocab_size": 20, "pad_token_id": 0, "bos_token_id": None, "eos_token_id": 1}
GROUPED = {**TEXT, "num_key_value_heads": 2, "head_dim": 8}
IMAGES = {**USUAL, "image_size": 8, "patch_size": 4, "architectures": []}

#: Architectures without a tiny model on disk; their roles and sizes are checked on the meta device.
OTHERS = {
    "xlm-roberta": XLMRobertaConfig(**TEXT),
    "camembert": CamembertConfig(**TEXT),
    "electra": ElectraConfig(**TEXT),
    "mpnet": MPNetConfig(**TEXT),
    "deberta": DebertaConfig(**TEXT),
    "deberta-v2": DebertaV2Config(**TEXT),
    "modernbert": ModernBertConfig(**TEXT, cls_token_id=0, sep_token_id=1),
    "gpt_neox": GPTNeoXConfig(**TEXT),
    "mistral": MistralConfig(**GROUPED),
    "qwen3": Qwen3Config(**GROUPED),
    "gemma": GemmaConfig(**GROUPED),
    "gemma2": Gemma2Config(**GROUPED),
    "gemma3_text": Gemma3TextConfig(**GROUPED),
    "phi": PhiConfig(**TEXT),
    "phi3": Phi3Config(**{**TEXT, "num_key_value_heads": 2}),
    "deit": DeiTConfig(**IMAGES),
    "beit": BeitConfig(**IMAGES),
    "clip": CLIPConfig(vision_config=IMAGES, text_config=TEXT),
    "siglip": SiglipConfig(vision_config=IMAGES, text_config=TEXT),
}
VISION = ("vit", "deit", "beit", "clip", "siglip")
GATED = ("llama", "mistral", "qwen2", "qwen3", "gemma", "gemma2", "gemma3_text")
FUSED_GATE = ("phi3", "modernbert")
#: Output size of the fused matrix.
FUSED_QKV = {"gpt2": 96, "gpt_neox": 96, "deberta": 96, "modernbert": 96, "phi3": 64}
#: They scale or normalise what a sublayer gives before it is added to the residual stream.
NO_PLAIN_SUM = ("gemma2", "gemma3_text", "beit")
#: Attention and feed-forward network read the same residual stream.
PARALLEL_SUBLAYERS = ("gpt_neox", "phi")
CLOSED_ATTENTION = ("mpnet", "deberta", "deberta-v2", "gemma2")


def test_every_listed_architecture_is_checked_here() -> None:
    assert {*ARCHITECTURES, *OTHERS} == set(LISTED)


@pytest.fixture(scope="module", params=(*ARCHITECTURES, *OTHERS))
def resolved(request, tmp_path_factory):
    """Name, meta model and anatomy of every listed architecture in turn."""
    name = request.param
    if name in OTHERS:
        auto = AutoModelForImageClassification if name in VISION else AutoModelForSequenceClassification
        with torch.device("meta"):
            model = settle_tower(auto.from_config(OTHERS[name]))
        return name, model, resolve_anatomy(model)
    backbone = load_backbone(tiny_backbone(name, tmp_path_factory.mktemp("tiny"), layers=3, hidden=32))
    assert (backbone.shape.layers, backbone.shape.hidden, backbone.shape.ffn) == (3, 32, 64)
    assert (backbone.shape.roles, backbone.shape.aliases) == (backbone.anatomy.present, backbone.anatomy.aliases)
    return name, backbone.meta(), backbone.anatomy


def test_roles_have_the_sizes_they_should(resolved) -> None:
    name, model, anatomy = resolved
    up = 128 if name in FUSED_GATE else 64
    sizes = {"q": (32, FUSED_QKV.get(name, 32)), "o": (32, 32), "up": (32, up), "down": (64, 32)}
    if name in GATED:
        sizes["gate"] = (32, 64)
    assert anatomy.count == 3
    for layer in range(3):
        for role, size in sizes.items():
            assert features(model.get_submodule(anatomy.module(layer, role))) == size


def test_fused_roles_are_carried_by_one(resolved) -> None:
    name, _, anatomy = resolved
    fused = dict.fromkeys(("q", "k", "v"), "qkv") if name in FUSED_QKV else {}
    assert anatomy.aliases == fused | ({"gate": "up"} if name in FUSED_GATE else {})
    first = ("qkv",) if name in FUSED_QKV else ("q", "k", "v")
    assert anatomy.present == (*first, "o", "up", *(["gate"] if name in GATED else []), "down")
    assert anatomy.module(1, "k" if name in FUSED_QKV else "o").startswith(anatomy.layer(1))


def test_the_attention_takes_a_prefix_or_says_why_not(resolved) -> None:
    name, model, anatomy = resolved
    if name in CLOSED_ATTENTION:
        with pytest.raises(BackboneError, match="without transformers' attention interface"):
            anatomy.attention_module(0)
    else:
        for layer in range(3):
            assert model.get_submodule(anatomy.attention_module(layer)).config is layer_config(
                model.config, name in VISION
            )


def test_norms_biases_and_the_embedding(resolved) -> None:
    name, model, anatomy = resolved
    for layer in range(3):
        own = f"{anatomy.layer(layer)}."
        parameters = {key: value for key, value in model.named_parameters() if key.startswith(own)}
        # In these architectures nothing but a norm has a weight of one dimension.
        norms = {key for key, value in parameters.items() if key.endswith(".weight") and value.ndim == 1}
        assert {f"{norm}.weight" for norm in anatomy.norms(layer)} == norms
        assert {f"{module}.bias" for module in anatomy.biased(layer)} == {k for k in parameters if k.endswith(".bias")}
        single = name == "phi" or (name == "modernbert" and layer == 0)
        assert len(norms) >= (1 if single else 2)
    if name in VISION:
        assert anatomy.embedding == ""
    else:
        embedding = model.get_submodule(anatomy.embedding)
        assert embedding is model.get_input_embeddings()
        assert embedding.num_embeddings == model.config.vocab_size


def test_the_norms_of_sublayers_stand_before_or_after_plain_sums(resolved) -> None:
    name, on_meta, anatomy = resolved
    if name in NO_PLAIN_SUM:
        assert anatomy.sum_norm(1, "down") is None
        return
    torch.manual_seed(0)
    model = type(on_meta)(on_meta.config).eval()
    inputs: dict = {}
    outputs: dict = {}
    for role in ("o", "down"):
        norm, stream = anatomy.sum_norm(1, role)
        for key, module in ((f"stream {role}", stream), (f"norm {role}", norm)):
            model.get_submodule(module).register_forward_pre_hook(
                lambda _, args, key=key: inputs.update({key: args[0]})
            )
        for key, module in ((role, anatomy.module(1, role)), ("layer", anatomy.layer(1))):
            model.get_submodule(module).register_forward_hook(lambda _, args, y, key=key: outputs.update({key: y}))
    with torch.no_grad():
        model(
            **(
                {"pixel_values": torch.randn(1, 3, 8, 8)}
                if name in VISION
                else {"input_ids": torch.tensor([[3, 4, 5]])}
            )
        )
    sums = {role: inputs[f"stream {role}"] + outputs[role] for role in ("o", "down")}
    if anatomy.norms_after:
        assert all(torch.allclose(inputs[f"norm {role}"], found, atol=1e-6) for role, found in sums.items())
        return
    answer = outputs["layer"][0] if isinstance(outputs["layer"], tuple) else outputs["layer"]
    if name in PARALLEL_SUBLAYERS:
        sums["down"] = sums["down"] + outputs["o"]
    else:
        assert torch.allclose(sums["o"], inputs["stream down"], atol=1e-6)
    assert torch.allclose(sums["down"], answer, atol=1e-6)
