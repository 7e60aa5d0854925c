"""A start for which memory does not do leaves the model to the next trial as it found it."""

import pytest
import torch

from autopeft.methods import VOCABULARY, apply
from autopeft.space import canonical
from autopeft.testing.models import tiny_batch


def state(model):
    """Return what PEFT could leave on modules: notes, hooks, the mode."""
    hooks = ("_forward_hooks", "_backward_hooks")
    return {
        name: (module.training, set(vars(module)), *(len(vars(module)[each]) for each in hooks))
        for name, module in model.named_modules()
    }


@pytest.mark.parametrize("init", ["eva", "corda", "lora_ga"])
@pytest.mark.parametrize("backbone", ["bert"], indirect=True)
def test_where_a_start_fails_nothing_of_it_stays(backbone, init, monkeypatch) -> None:
    def forward(*_):
        raise torch.OutOfMemoryError("CUDA out of memory")

    model, batch = backbone.classifier(2), tiny_batch(backbone)
    monkeypatch.setattr(model.classifier, "forward", forward)
    before = state(model)
    configuration = canonical({"modules": {"lora": {"rank": 4, "init": init}}}, VOCABULARY, backbone.shape)
    with pytest.raises(torch.OutOfMemoryError):
        apply(configuration, model, backbone.anatomy, batches=[batch])
    assert state(model) == before
