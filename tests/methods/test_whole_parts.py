"""Parts of a backbone trained as they are."""

import errno
import os

import pytest
import torch

from autopeft.errors import AutopeftError, ConfigurationError
from autopeft.methods import VOCABULARY, adapter_parameters, apply, remove, trainable
from autopeft.methods.builder import applied
from autopeft.methods.offload import fetched, is_offloaded
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
    untouched = logits(fresh(backbone), batch)
    inserted.tuner.disable_adapter_layers()
    assert torch.equal(logits(model, batch), untouched)


def test_first_weights_wait_on_disk_while_their_copies_train(tiny) -> None:
    backbone = tiny("llama")
    model = fresh(backbone)
    plain = {name: (id(value), value.clone()) for name, value in model.named_parameters()}
    apply(canonical({"modules": {"full": {}}}, VOCABULARY, backbone.shape), model, backbone.anatomy)
    trained = {id(value) for value in trainable(model).values()}
    assert trained
    assert all(is_offloaded(value) == (id(value) not in trained) for value in model.parameters())
    remove(model)
    assert not any(map(is_offloaded, model.parameters()))
    assert all(
        (id(value), True) == (plain[name][0], torch.equal(value, plain[name][1]))
        for name, value in model.named_parameters()
    )


def test_another_type_after_the_copies_are_in_is_that_of_all(tiny) -> None:
    backbone = tiny("bert")
    batch = tiny_batch(backbone)
    model, _ = build(backbone, {"full_layers": {"top_layers": 1}})
    model.to(torch.bfloat16)
    expected = logits(model, batch)
    merged = applied(model).inserted[0].tuner.merge_and_unload()
    assert torch.equal(logits(merged, batch), expected)
    assert {value.dtype for value in merged.parameters()} == {torch.bfloat16}


def test_copies_are_gone_before_first_weights_are_back_in_memory(tiny, monkeypatch) -> None:
    backbone = tiny("bert")
    model, _ = build(backbone, {"full": {}})
    copies = list(adapter_parameters(model).values())
    left = []

    def counted(tensor):
        left.append(sum(each.numel() for each in copies))
        return fetched(tensor)

    monkeypatch.setattr("autopeft.methods.trained_copy.fetched", counted)
    whole = sum(each.numel() for each in copies)
    remove(model)
    assert left[0] < whole
    assert left == sorted(left, reverse=True)
    assert left[-1] == 0


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "No space left on device"),
        (RuntimeError("unable to mmap 8 bytes"), "unable to mmap 8 bytes"),
    ],
)
def test_no_room_for_first_weights_is_said_and_leaves_the_model_as_it_was(tiny, monkeypatch, error, said) -> None:
    backbone = tiny("bert")
    model = fresh(backbone)
    plain = {name: value.clone() for name, value in model.named_parameters()}
    real, calls = torch.from_file, []

    def full(*args, **kwargs):
        calls.append(args)
        # A weight is out already, its bias is not.
        if len(calls) == 5:
            raise error
        return real(*args, **kwargs)

    monkeypatch.setattr(torch, "from_file", full)
    configuration = canonical({"modules": {"full": {}}}, VOCABULARY, backbone.shape)
    with pytest.raises(AutopeftError, match=f"{said}; the weights of what is trained itself"):
        apply(configuration, model, backbone.anatomy)
    assert len(calls) == 5
    assert not any(map(is_offloaded, model.parameters()))
    assert all(torch.equal(value, plain[name]) for name, value in model.named_parameters())


def test_adapters_taken_out_in_inference_leave_weights_that_can_train(tiny) -> None:
    backbone = tiny("bert")
    model, _ = build(backbone, {"full": {}})
    with torch.inference_mode():
        remove(model)
    model.requires_grad_(True)
    assert not any(value.is_inference() for value in model.parameters())
