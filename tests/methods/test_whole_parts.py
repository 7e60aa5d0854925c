"""Parts of a backbone trained as they are."""

import pytest
import torch

from autopeft.errors import ConfigurationError
from autopeft.methods import VOCABULARY, adapter_parameters
from autopeft.methods.builder import applied
from autopeft.space import canonical
from autopeft.testing.methods import logits
from autopeft.testing.models import tiny_batch
from tests.methods.stepping import build, fresh, train


@pytest.mark.parametrize("other", ["lora", "sparse", "ln_tuning", "bitfit", "adalora", "prefix"])
def test_nothing_stands_beside_whole_layers(tiny, other) -> None:
    knobs = {"lora": {"rank": 2}, "adalora": {"rank": 2}, "prefix": {"length": 2}}.get(other, {})
    with pytest.raises(ConfigurationError, match=f"full_layers and {other} cannot share a backbone"):
        canonical({"modules": {"full_layers": {"top_layers": 1}, other: knobs}}, VOCABULARY, tiny("bert").shape)


def test_more_layers_than_there_are_is_said(tiny) -> None:
    with pytest.raises(ConfigurationError, match="50 layers of a backbone that has 3"):
        build(tiny("bert"), {"full_layers": {"top_layers": 50}})


def test_what_is_shared_is_trained_and_counted_once(tiny) -> None:
    backbone = tiny("llama")
    tied = backbone.anatomy.output and backbone.config.tie_word_embeddings
    model, _ = build(backbone, {"full_embeddings": {}})
    copies = adapter_parameters(model)
    names = {name.partition(".trained_copy")[0] for name in copies}
    assert backbone.anatomy.embedding in names
    assert len(copies) == (1 if tied or not backbone.anatomy.output else 2)


def test_changed_tensors_are_those_of_the_part_and_merging_can_be_undone(tiny) -> None:
    backbone = tiny("bert")
    batch = tiny_batch(backbone)
    model, _ = build(backbone, {"full_layers": {"top_layers": 1}})
    train(model, batch, 2)
    expected = logits(model, batch)
    (inserted,) = applied(model).inserted
    inserted.tuner.merge_adapter()
    assert torch.equal(logits(model, batch), expected)
    plain = dict(fresh(backbone).named_parameters())
    now = {
        name.replace(".base_layer", ""): value
        for name, value in model.named_parameters()
        if ".trained_copy" not in name
    }
    changed = {name for name, value in now.items() if not torch.equal(value, plain[name])}
    assert changed
    assert all(name.startswith(backbone.anatomy.layer(backbone.anatomy.count - 1)) for name in changed)
    inserted.tuner.unmerge_adapter()
    assert torch.equal(logits(model, batch), expected)
    now = {
        name.replace(".base_layer", ""): value
        for name, value in model.named_parameters()
        if ".trained_copy" not in name
    }
    assert all(torch.equal(value, plain[name]) for name, value in now.items())
