"""Apply and remove, over and over, on one model."""

import pytest
import torch

from autopeft.backbones import head_parameters
from autopeft.errors import ConfigurationError
from autopeft.methods import HEAD_ONLY, VOCABULARY, adapter_parameters, apply, remove, trainable
from autopeft.space.canonical import canonical
from autopeft.testing.methods import logits
from autopeft.testing.models import tiny_batch

MODULES = (
    {"lora": {"rank": 2, "targets": ["q", "o", "down"]}, "serial_adapter": {"size": 4, "position": "both"}},
    {"prefix": {"length": 3}, "parallel_adapter": {"size": 4, "layers": [0, 1]}},
    {"lora": {"rank": 3}, "prefix": {"length": 2, "layers": [2]}},
)


@pytest.mark.slow
def test_a_warm_model_stays_as_it_was(backbone) -> None:
    model, batch = backbone.classifier(2), tiny_batch(backbone)
    before = {name: value.clone() for name, value in model.base_model.state_dict().items()}
    head = {name: value.clone() for name, value in head_parameters(model).items()}
    expected = logits(model, batch)
    for cycle in range(20):
        configuration = canonical({"modules": MODULES[cycle % 3]}, VOCABULARY, backbone.shape)
        apply(configuration, model, backbone.anatomy, seed=cycle)
        model.train()
        optimiser = torch.optim.AdamW(trainable(model).values(), lr=0.01)
        model(**batch).loss.backward()
        optimiser.step()
        remove(model)
        assert all(torch.equal(v, before[k]) for k, v in model.base_model.state_dict().items())
        assert all(parameter.grad is None for parameter in model.parameters())
    with torch.no_grad():
        for name, parameter in head_parameters(model).items():
            parameter.copy_(head[name])
    assert torch.equal(logits(model, batch), expected)


def test_the_seed_decides_the_adapters(backbone) -> None:
    model = backbone.classifier(2)
    drawn = []
    for seed in (1, 1, 2):
        apply(canonical({"modules": MODULES[1]}, VOCABULARY, backbone.shape), model, backbone.anatomy, seed=seed)
        drawn.append({name: value.clone() for name, value in adapter_parameters(model).items()})
        remove(model)
    assert all(torch.equal(value, drawn[1][name]) for name, value in drawn[0].items())
    assert any(not torch.equal(value, drawn[2][name]) for name, value in drawn[0].items())


def test_head_only_trains_the_head(backbone) -> None:
    model = backbone.classifier(2)
    apply(HEAD_ONLY, model, backbone.anatomy)
    assert adapter_parameters(model) == {}
    assert trainable(model).keys() == head_parameters(model).keys()
    remove(model)
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_applying_twice_is_refused(tiny) -> None:
    backbone = tiny("bert")
    model = backbone.classifier(2)
    apply(HEAD_ONLY, model, backbone.anatomy)
    with pytest.raises(ConfigurationError, match="call `remove"):
        apply(HEAD_ONLY, model, backbone.anatomy)
    remove(model)
    with pytest.raises(ConfigurationError, match="no adapters"):
        remove(model)


def test_adapters_work_under_autocast(backbone) -> None:
    model, batch = backbone.classifier(2), tiny_batch(backbone)
    modules = {**MODULES[0], **MODULES[1]}
    apply(canonical({"modules": modules}, VOCABULARY, backbone.shape), model, backbone.anatomy)
    with torch.autocast("cpu", torch.bfloat16):
        loss = model(**batch).loss
    loss.backward()
    assert all(p.dtype == torch.float32 and p.grad is not None for p in adapter_parameters(model).values())
