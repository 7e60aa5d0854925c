"""Backbones in 4 and 8 bits: refused where they cannot be, and what is in them where they can."""

from importlib.util import find_spec

import pytest
import torch
from torch import nn

from autopeft.backbones import features, head_parameters, load_backbone, loaded_bytes, quantization, quantization_of
from autopeft.errors import BackboneError
from autopeft.testing.models import tiny_backbone, tiny_batch

BITS = ("4bit", "8bit")
needs_bitsandbytes = pytest.mark.skipif(
    find_spec("bitsandbytes") is None, reason="needs bitsandbytes, the extra `quantization`"
)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    place = tmp_path_factory.mktemp("models")
    return {name: tiny_backbone(name, place, hidden=64) for name in ("bert", "roberta", "distilbert", "llama", "gpt2")}


@pytest.mark.parametrize("bits", BITS)
def test_without_bitsandbytes_the_extra_is_named(folders, monkeypatch, bits) -> None:
    monkeypatch.setattr(quantization, "MISSING_BITSANDBYTES", "bitsandbytes; pip install 'autopeft[quantization]'")
    with pytest.raises(BackboneError, match=rf"--load-in-{bits} needs bitsandbytes.*autopeft\[quantization\]"):
        load_backbone(folders["bert"], quantization=bits)


def test_weights_stored_the_other_way_round_are_refused(folders, monkeypatch) -> None:
    monkeypatch.setattr(quantization, "MISSING_BITSANDBYTES", None)
    with pytest.raises(BackboneError, match="tiny-gpt2 stores its weights as"):
        load_backbone(folders["gpt2"], quantization="4bit")


def test_shares_and_identity_are_those_of_the_plain_backbone(folders, monkeypatch) -> None:
    monkeypatch.setattr(quantization, "MISSING_BITSANDBYTES", None)
    plain, packed = load_backbone(folders["bert"]), load_backbone(folders["bert"], quantization="4bit")
    assert packed.num_parameters == plain.num_parameters
    assert packed.shape == plain.shape
    assert packed.identity == {**plain.identity, "quantization": "4bit"}


@needs_bitsandbytes
@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("name", ["bert", "roberta", "distilbert", "llama"])
def test_matrices_are_packed_and_the_head_is_not(folders, name, bits) -> None:
    plain, backbone = load_backbone(folders[name]), load_backbone(folders[name], quantization=bits)
    model = backbone.classifier(3, device=torch.device("cpu"))
    assert (quantization_of(model), quantization_of(plain.classifier(3))) == (bits, None)
    for index in range(backbone.anatomy.count):
        for role in backbone.anatomy.present:
            module = model.get_submodule(backbone.anatomy.module(index, role))
            assert not module.weight.is_floating_point()
            assert features(module) == features(plain.meta().get_submodule(backbone.anatomy.module(index, role)))
    head = head_parameters(model)
    assert head.keys() == head_parameters(plain.meta(3)).keys()
    assert all(parameter.dtype == torch.float32 for parameter in head.values())
    assert not model.training


@needs_bitsandbytes
@pytest.mark.parametrize("bits", BITS)
def test_predicted_bytes_are_those_that_are_loaded(folders, bits) -> None:
    backbone = load_backbone(folders["bert"], quantization=bits)
    model = backbone.classifier(2)
    found = sum(value.nbytes for value in model.parameters())
    for module in model.modules():
        if isinstance(module, nn.Linear) and not module.weight.is_floating_point():
            found += module.weight.quant_state.absmax.nbytes if bits == "4bit" else module.weight.SCB.nbytes
    assert found == loaded_bytes(backbone.meta(), bits)


@needs_bitsandbytes
@pytest.mark.parametrize("bits", BITS)
def test_forward_passes_change_nothing_and_let_gradients_through(folders, bits) -> None:
    backbone = load_backbone(folders["bert"], quantization=bits)
    model, batch = backbone.classifier(2), tiny_batch(backbone)
    before = {name: parameter.clone() for name, parameter in model.named_parameters()}
    with torch.no_grad():
        first = model(**batch).logits
        with torch.autocast("cpu", torch.bfloat16):
            model(**batch)
        assert torch.equal(model(**batch).logits, first)
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter.float(), before[name].float()), name
    embeddings = model.get_input_embeddings().weight.requires_grad_(True)
    model(**batch).loss.backward()
    assert embeddings.grad.abs().sum() > 0
