"""What is known of every listed architecture holds in transformers' own model of it."""

import pytest
import torch
from transformers import (
    ASTConfig,
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
    HubertConfig,
    MistralConfig,
    ModernBertConfig,
    MPNetConfig,
    Phi3Config,
    PhiConfig,
    Qwen3Config,
    SiglipConfig,
    Wav2Vec2Config,
    WavLMConfig,
    WavLMForSequenceClassification,
    WhisperConfig,
    XLMRobertaConfig,
)

from autopeft.backbones import features, load_backbone
from autopeft.backbones.architectures import ARCHITECTURES as LISTED
from autopeft.backbones.called import roles_not_called
from autopeft.backbones.modalities import MODALITIES, layer_config
from autopeft.backbones.resolve import resolve_anatomy
from autopeft.errors import BackboneError
from autopeft.testing.models import ARCHITECTURES, tiny_backbone

USUAL = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 64}
TEXT = {**USUAL, "vocab_size": 20, "pad_token_id": 0, "bos_token_id": None, "eos_token_id": 1}
GROUPED = {**TEXT, "num_key_value_heads": 2, "head_dim": 8}
IMAGES = {**USUAL, "image_size": 8, "patch_size": 4, "architectures": []}
WAVES = {
    **USUAL,
    "conv_dim": (16, 16),
    "conv_kernel": (10, 4),
    "conv_stride": (5, 2),
    "num_feat_extract_layers": 2,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
}
SPEECH = {
    **dict.fromkeys(("encoder_layers", "decoder_layers"), 3),
    **dict.fromkeys(("encoder_attention_heads", "decoder_attention_heads"), 4),
    **dict.fromkeys(("encoder_ffn_dim", "decoder_ffn_dim"), 64),
    "d_model": 32,
    "vocab_size": 20,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "decoder_start_token_id": 1,
    "max_source_positions": 8,
    "num_mel_bins": 16,
}

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
    "audio-spectrogram-transformer": ASTConfig(**USUAL, max_length=16, num_mel_bins=16, patch_size=8),
    "wav2vec2": Wav2Vec2Config(**WAVES),
    "hubert": HubertConfig(**WAVES),
    "wavlm": WavLMConfig(**WAVES, do_stable_layer_norm=True),
    "whisper": WhisperConfig(**SPEECH),
}
VISION = ("vit", "deit", "beit", "clip", "siglip")
SOUND = ("audio-spectrogram-transformer", "wav2vec2", "hubert", "wavlm", "whisper")
MODALITY = {**dict.fromkeys(VISION, "image"), **dict.fromkeys(SOUND, "audio")}
GATED = ("llama", "mistral", "qwen2", "qwen3", "gemma", "gemma2", "gemma3_text")
FUSED_GATE = ("phi3", "modernbert")
#: Output size of the fused matrix.
FUSED_QKV = {"gpt2": 96, "gpt_neox": 96, "deberta": 96, "modernbert": 96, "phi3": 64}
#: They scale or normalise what a sublayer gives before it is added to the residual stream.
NO_PLAIN_SUM = ("gemma2", "gemma3_text", "beit")
#: Attention and feed-forward network read the same residual stream.
PARALLEL_SUBLAYERS = ("gpt_neox", "phi")
CLOSED_ATTENTION = ("mpnet", "deberta", "deberta-v2", "gemma2", "wav2vec2", "hubert", "wavlm", "whisper")


def test_every_listed_architecture_is_checked_here() -> None:
    assert {*ARCHITECTURES, *OTHERS} == set(LISTED)


@pytest.fixture(scope="module", params=(*ARCHITECTURES, *OTHERS))
def resolved(request, tmp_path_factory):
    """Name, meta model and anatomy of every listed architecture in turn."""
    name = request.param
    if name in OTHERS:
        reads = MODALITIES[MODALITY.get(name, "text")]
        with torch.device("meta"):
            model = reads.settle(reads.classifier.from_config(OTHERS[name]))
        return name, model, resolve_anatomy(model)
    backbone = load_backbone(tiny_backbone(name, tmp_path_factory.mktemp("tiny"), layers=3, hidden=32))
    assert (backbone.shape.layers, backbone.shape.hidden, backbone.shape.ffn) == (3, 32, 64)
    assert (backbone.shape.roles, backbone.shape.aliases) == (backbone.anatomy.present, backbone.anatomy.aliases)
    return name, backbone.meta(), backbone.anatomy


def test_every_role_is_called_so_that_adapters_have_a_say(resolved) -> None:
    name, model, anatomy = resolved
    assert roles_not_called(model, anatomy, MODALITIES[MODALITY.get(name, "text")].blank(model.config, 8)) == []


def test_wavlm_as_it_comes_would_pass_adapters_by_and_says_the_same_when_it_calls_them() -> None:
    torch.manual_seed(0)
    model = WavLMForSequenceClassification(WavLMConfig(**WAVES)).eval()
    anatomy, waves = resolve_anatomy(model), torch.randn(3, 200)
    mask = (torch.arange(200) < torch.tensor([[200], [120], [160]])).long()
    assert roles_not_called(model, anatomy, {"input_values": waves}) == ["q", "k", "v", "o"]
    with torch.no_grad():
        before = [model(waves, attention_mask=each).logits for each in (mask, None)]
        MODALITIES["audio"].settle(model)
        after = [model(waves, attention_mask=each).logits for each in (mask, None)]
    assert roles_not_called(model, anatomy, {"input_values": waves}) == []
    assert not torch.allclose(before[0], before[1], atol=1e-4)
    assert all(torch.allclose(one, other, atol=1e-6) for one, other in zip(before, after, strict=True))


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
            assert model.get_submodule(anatomy.attention_module(layer)).config is layer_config(model)


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
    if name in MODALITY:
        assert anatomy.embedding == ""
    else:
        embedding = model.get_submodule(anatomy.embedding)
        assert embedding is model.get_input_embeddings()
        assert embedding.num_embeddings == model.config.vocab_size


def run(model, name):
    """Let one input through a model."""
    blank = MODALITIES[MODALITY.get(name, "text")].blank(model.config, 3)
    with torch.no_grad():
        model(**{key: torch.full(each.shape, 3, dtype=each.dtype) for key, each in blank.items()})


def whole(on_meta, name):
    """Return a random model like one on the meta device."""
    torch.manual_seed(0)
    return MODALITIES[MODALITY.get(name, "text")].settle(type(on_meta)(on_meta.config).eval())


def test_the_last_norm_reads_what_comes_out_of_the_highest_layer(resolved) -> None:
    name, on_meta, anatomy = resolved
    assert not (anatomy.norms_after and anatomy.last_norm)
    if not anatomy.last_norm:
        assert anatomy.norms_after or name in ("beit", "clip", "siglip")
        return
    seen = {}
    model = whole(on_meta, name)
    model.get_submodule(anatomy.layer(anatomy.count - 1)).register_forward_hook(lambda _, args, y: seen.update(layer=y))
    model.get_submodule(anatomy.last_norm).register_forward_pre_hook(lambda _, args: seen.update(norm=args[0]))
    run(model, name)
    assert seen["norm"] is (seen["layer"][0] if isinstance(seen["layer"], tuple) else seen["layer"])


def test_the_norms_of_sublayers_stand_before_or_after_plain_sums(resolved) -> None:
    name, on_meta, anatomy = resolved
    if name in NO_PLAIN_SUM:
        assert anatomy.sum_norm(1, "down") is None
        return
    model = whole(on_meta, name)
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
    run(model, name)
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
