"""Parts of a backbone trained as they are."""

import errno
import os

import pytest
import torch

from autopeft.backbones import head_parameters
from autopeft.errors import AutopeftError, ConfigurationError
from autopeft.methods import VOCABULARY, adapter_parameters, apply, remove
from autopeft.methods.builder import applied
from autopeft.methods.trained_copy import TrainedCopyLayer
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
    untouched = logits(fresh(backbone), batch)
    assert not torch.equal(untouched, expected)
    inserted.tuner.disable_adapter_layers()
    assert torch.equal(logits(model, batch), untouched)
    remove(model)
    assert all(torch.equal(value, plain[name]) for name, value in model.named_parameters())


def test_first_weights_leave_memory_while_their_copies_train(tiny) -> None:
    backbone = tiny("llama")
    model = fresh(backbone)
    plain = {name: value.clone() for name, value in model.named_parameters()}
    apply(canonical({"modules": {"full": {}}}, VOCABULARY, backbone.shape), model, backbone.anatomy)
    layers = [each for each in model.modules() if isinstance(each, TrainedCopyLayer)]
    storages = {value.untyped_storage().data_ptr() for value in model.parameters()}
    own = {value.untyped_storage().data_ptr() for value in adapter_parameters(model).values()}
    head = {value.untyped_storage().data_ptr() for value in head_parameters(model).values()}
    assert storages == own | head
    for layer in layers:
        assert all(value.untyped_storage().filename for value in layer.first.values())
    remove(model)
    assert all(torch.equal(value, plain[name]) for name, value in model.named_parameters())
    assert not any(value.untyped_storage().filename for value in model.parameters())


def test_first_weights_on_another_device_are_brought_there(tiny) -> None:
    backbone = tiny("bert")
    model, _ = build(backbone, {"full_layers": {"top_layers": 1}})
    layer = next(each for each in model.modules() if isinstance(each, TrainedCopyLayer))
    layer.to("meta")
    layer.enable_adapters(False)
    size = next(iter(layer.first.values())).shape[-1]
    assert layer(torch.zeros(1, size, device="meta")).is_meta


def test_no_room_for_first_weights_is_said_and_leaves_the_model_as_it_was(tiny, monkeypatch) -> None:
    backbone = tiny("bert")
    model = fresh(backbone)
    plain = {name: value.clone() for name, value in model.named_parameters()}
    real, calls = torch.from_file, []

    def full(*args, **kwargs):
        calls.append(args)
        if len(calls) == 5:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(*args, **kwargs)

    monkeypatch.setattr(torch, "from_file", full)
    configuration = canonical({"modules": {"full": {}}}, VOCABULARY, backbone.shape)
    with pytest.raises(AutopeftError, match=r"No space left on device; first weights wait there"):
        apply(configuration, model, backbone.anatomy)
    assert all(torch.equal(value, plain[name]) for name, value in model.named_parameters())
