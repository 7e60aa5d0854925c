"""Queries that gather from all tokens and hand back to them: the formula, its count, and how it begins to learn."""

import pytest
import torch
from torch.nn.functional import softmax

from autopeft.backbones import load_decoder
from autopeft.costs import Costs
from autopeft.errors import ConfigurationError
from autopeft.methods import VOCABULARY, adapter_parameters, apply, frozen_depth, stays_in_layers
from autopeft.methods.q_adapter_layer import attend
from autopeft.space import canonical
from autopeft.testing.decoders import tiny_decoder
from autopeft.testing.methods import logits, randomise
from autopeft.testing.models import tiny_batch
from tests.marks import mostly_slow
from tests.methods.stepping import build, fresh, train

EACH = mostly_slow(["bert", "vit", "llama", "gpt2"])
KNOBS = {"size": {"0": 4, "2": 6}, "queries": 5}


def added_by_hand(block, x):
    """Return what is added to hidden states `x`, as the formula has it."""
    own = dict(block.named_parameters())
    b = len(own["query.weight"])
    inner = x @ own["down.weight"].T
    query, key, value = (
        own["queries"] @ own["query.weight"].T,
        inner @ own["key.weight"].T,
        inner @ own["value.weight"].T,
    )
    z = softmax(query @ key.mT / b**0.5, dim=-1) @ value
    y = softmax(inner @ z.mT / b**0.5, dim=-1) @ z
    return torch.tanh(own["gate"]) * (y @ own["up.weight"].T)


def first(output):
    return output[0] if isinstance(output, tuple) else output


@pytest.mark.parametrize("backbone", EACH, indirect=True)
def test_it_adds_what_the_formula_says_to_what_comes_out_of_a_layer(backbone) -> None:
    model, _ = build(backbone, {"q_adapter": KNOBS, "lora": {"rank": 2, "targets": ["q"]}})
    randomise(model)
    seen = {}
    for index in (0, 2):
        layer = model.get_submodule(backbone.anatomy.layer(index))
        layer.base_layer.register_forward_hook(lambda _, args, output, at=index: seen.update({at: first(output)}))
        layer.register_forward_hook(lambda _, args, output, at=index: seen.update({f"{at}+": first(output)}))
    logits(model, tiny_batch(backbone))
    for index in (0, 2):
        block = model.get_submodule(backbone.anatomy.layer(index)).q_adapter_block["default"]
        added = added_by_hand(block, seen[index])
        assert added.abs().max() > 1e-4
        torch.testing.assert_close(seen[f"{index}+"], seen[index] + added)


@pytest.mark.parametrize("backbone", EACH, indirect=True)
def test_the_count_is_that_of_the_formula(backbone) -> None:
    model, configuration = build(backbone, {"q_adapter": KNOBS})
    d, queries = backbone.shape.hidden, 5
    expected = sum(2 * d * b + 3 * b * b + queries * b + 1 for b in (4, 6))
    assert Costs(backbone).params(configuration) == expected
    assert sum(value.numel() for value in adapter_parameters(model).values()) == expected


def test_rows_of_attention_sum_to_one() -> None:
    torch.manual_seed(0)
    queries, keys = torch.randn(5, 4), torch.randn(2, 7, 4)
    torch.testing.assert_close(attend(queries, keys, torch.ones(2, 7, 4)), torch.ones(2, 5, 4))
    torch.testing.assert_close(attend(keys, keys, torch.ones(2, 7, 4)), torch.ones(2, 7, 4))


@pytest.mark.parametrize("backbone", EACH, indirect=True)
def test_at_first_nothing_is_added_and_only_the_gates_have_gradients(backbone) -> None:
    batch = tiny_batch(backbone)
    expected = logits(fresh(backbone), batch)
    model, _ = build(backbone, {"q_adapter": KNOBS})
    assert torch.equal(logits(model, batch), expected)
    model(**batch).loss.backward()
    own = adapter_parameters(model)
    for name, value in own.items():
        assert bool(value.grad.any()) == name.endswith(".gate"), name
        value.grad = None
    before = {name: value.detach().clone() for name, value in own.items()}
    train(model, batch, 2)
    assert not any(torch.equal(value, before[name]) for name, value in own.items())


def test_it_sees_the_padding_beside_a_text(tiny) -> None:
    backbone = tiny("bert")
    model, configuration = build(backbone, {"q_adapter": {"size": 4, "layers": [2]}})
    assert frozen_depth(configuration, backbone.anatomy) == 0
    assert not stays_in_layers(configuration)
    randomise(model)
    batch = {key: value[:1, :4] for key, value in tiny_batch(backbone).items() if key != "labels"}
    batch["attention_mask"] = torch.ones_like(batch["attention_mask"])
    padded = {key: torch.cat([value, torch.zeros_like(value)], dim=1) for key, value in batch.items()}
    assert not torch.allclose(logits(model, batch), logits(model, padded), atol=1e-5)


def test_a_decoder_that_learns_to_write_is_refused(tmp_path) -> None:
    decoder = load_decoder(tiny_decoder("llama", tmp_path))
    configuration = canonical({"modules": {"q_adapter": {"size": 4}}}, VOCABULARY, decoder.shape)
    with pytest.raises(ConfigurationError, match="queries that read all, so that a decoder cannot be tuned"):
        Costs(decoder).params(configuration)
    with pytest.raises(ConfigurationError, match="a decoder cannot be tuned"):
        apply(configuration, decoder.language_model(), decoder.anatomy)


def test_it_reads_what_comes_out_of_all_else_in_a_layer_and_beside_it(tiny) -> None:
    backbone = tiny("vit")
    model, _ = build(backbone, {"q_adapter": {"size": 4}, "aside": {"size": 4}, "vqt": {"queries": 2}})
    layer = model.get_submodule(backbone.anatomy.layer(1))
    names = [type(each).__name__ for each in (layer, layer.base_layer, layer.base_layer.base_layer)]
    assert names == ["QAdapterLayer", "AsideLayer", "VqtLayer"]


def test_it_cannot_stand_where_whole_layers_are_replaced(tiny) -> None:
    with pytest.raises(ConfigurationError, match=r"shadow|q_adapter"):
        canonical({"modules": {"q_adapter": {"size": 4}, "shadow": {"rank": 4}}}, VOCABULARY, tiny("bert").shape)
