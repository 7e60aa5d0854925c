"""Prefix attention against formulas written out by hand."""

import pytest
import torch
from torch import nn

from autopeft.errors import AutopeftError
from autopeft.methods import VOCABULARY, adapter_parameters, apply, remove
from autopeft.methods.prefix_attention import PREFIX_ATTENTION, carry, prefixed_attention
from autopeft.space.canonical import canonical
from autopeft.testing.methods import logits, randomise
from autopeft.testing.models import TEXT_ARCHITECTURES
from autopeft.trials.head import reset_head

BATCH, HEADS, KV_HEADS, LENGTH, SIZE, PREFIX = 2, 4, 2, 5, 8, 3


class _Attention(nn.Module):
    def __init__(self, is_causal: bool) -> None:
        super().__init__()
        self.is_causal = is_causal
        self.num_key_value_groups = HEADS // KV_HEADS


class _Prefix:
    def __init__(self, key: torch.Tensor, value: torch.Tensor) -> None:
        self.pair = (key, value)

    def keys_and_values(self) -> tuple[torch.Tensor, torch.Tensor]:
        return self.pair


def _tensors() -> tuple[torch.Tensor, ...]:
    torch.manual_seed(0)
    query = torch.randn(BATCH, HEADS, LENGTH, SIZE)
    key, value = torch.randn(2, BATCH, KV_HEADS, LENGTH, SIZE)
    front_key, front_value = torch.randn(2, KV_HEADS, PREFIX, SIZE)
    return query, key, value, front_key, front_value


@pytest.mark.parametrize("mask", ["none", "causal", "boolean", "float"])
def test_is_the_gated_sum_of_text_and_prefix(mask: str) -> None:
    # He et al. 2021, eq. 7: (1 - g) attention over the text + g attention over the prefix.
    query, key, value, front_key, front_value = _tensors()
    allowed = torch.ones(BATCH, 1, LENGTH, LENGTH, dtype=torch.bool)
    given = None
    if mask == "causal":
        allowed = allowed.tril()
    elif mask != "none":
        allowed[1, :, :, -2:] = False
        given = allowed if mask == "boolean" else torch.zeros(allowed.shape).masked_fill(~allowed, -1e9)
    module = _Attention(is_causal=mask == "causal")
    carry(module, _Prefix(front_key, front_value))  # type: ignore[arg-type]

    found, _ = prefixed_attention(module, query, key, value, given, scaling=SIZE**-0.5)

    key, value = (tensor.repeat_interleave(HEADS // KV_HEADS, 1) for tensor in (key, value))
    front_key, front_value = (
        tensor.repeat_interleave(HEADS // KV_HEADS, 0).expand(BATCH, -1, -1, -1) for tensor in (front_key, front_value)
    )
    text = (query @ key.mT * SIZE**-0.5).masked_fill(~allowed, -torch.inf)
    front = query @ front_key.mT * SIZE**-0.5
    gate = front.exp().sum(-1) / (front.exp().sum(-1) + text.exp().sum(-1))
    expected = (1 - gate)[..., None] * (text.softmax(-1) @ value) + gate[..., None] * (front.softmax(-1) @ front_value)
    torch.testing.assert_close(found, expected.transpose(1, 2))


def test_without_a_prefix_is_the_usual_attention() -> None:
    query, key, value, *_ = _tensors()
    module = _Attention(is_causal=True)
    found, _ = prefixed_attention(module, query, key, value, None)
    key, value = (tensor.repeat_interleave(HEADS // KV_HEADS, 1) for tensor in (key, value))
    expected = nn.functional.scaled_dot_product_attention(query, key, value, is_causal=True)
    torch.testing.assert_close(found, expected.transpose(1, 2))


@pytest.mark.parametrize("backbone", TEXT_ARCHITECTURES, indirect=True)
def test_padding_changes_nothing(backbone) -> None:
    configuration = canonical({"modules": {"prefix": {"length": 4, "layers": [0, 2]}}}, VOCABULARY, backbone.shape)
    model, tokenizer = backbone.classifier(2), backbone.tokenizer()
    apply(configuration, model, backbone.anatomy)
    randomise(model)
    texts = ["a short text", "the heart and the lung are organs of the body"]
    together = logits(model, tokenizer(texts, padding=True, return_tensors="pt"))
    alone = torch.cat([logits(model, tokenizer([text], return_tensors="pt")) for text in texts])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("backbone", TEXT_ARCHITECTURES, indirect=True)
def test_written_out_attention_computes_the_same(backbone) -> None:
    configuration = canonical({"modules": {"prefix": {"length": 4, "layers": [0, 2]}}}, VOCABULARY, backbone.shape)
    batch = backbone.tokenizer()(["a short text", "the heart and the lung"], padding=True, return_tensors="pt")
    found = []
    for attention in ("sdpa", "eager"):
        model = backbone.classifier(2)
        reset_head(model, 0)
        model.set_attn_implementation(attention)
        for inputs in (batch, {"input_ids": batch["input_ids"][:, :2]}):
            apply(configuration, model, backbone.anatomy, seed=0)
            found.append(logits(model, inputs))
            remove(model)
            assert model.config._attn_implementation == attention
    torch.testing.assert_close(found[0], found[2], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(found[1], found[3], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("backbone", TEXT_ARCHITECTURES, indirect=True)
def test_a_model_sees_only_its_own_prefixes(backbone) -> None:
    # In a layer without a prefix and in a second model, the attention function is the usual one.
    configuration = canonical({"modules": {"prefix": {"length": 4, "layers": [1]}}}, VOCABULARY, backbone.shape)
    model, other = backbone.classifier(2), backbone.classifier(2)
    batch = backbone.tokenizer()(["a short text"], return_tensors="pt")
    expected = logits(other, batch)
    apply(configuration, model, backbone.anatomy)
    assert model.config._attn_implementation == PREFIX_ATTENTION
    assert torch.equal(logits(other, batch), expected)
    assert len(adapter_parameters(model)) == 2
    remove(model)
    assert model.config._attn_implementation == "sdpa"


def test_a_backbone_with_its_own_attention_is_refused(tiny, monkeypatch) -> None:
    backbone = tiny("bert")
    model = backbone.classifier(2)
    monkeypatch.setattr(type(model), "_supports_attention_backend", False)
    configuration = canonical({"modules": {"prefix": {"length": 4}}}, VOCABULARY, backbone.shape)
    with pytest.raises(AutopeftError, match="prefixes cannot be put into it"):
        apply(configuration, model, backbone.anatomy)
    assert all("base_layer" not in name for name, _ in model.named_modules())
