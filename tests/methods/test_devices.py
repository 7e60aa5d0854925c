"""Adapters are put where the model is: tried on the meta device, which every machine has."""

import pytest
import torch
from peft import PeftModel

from autopeft.methods import METHODS, VOCABULARY, adapter_parameters, apply
from autopeft.space import canonical
from tests.methods.examples import EXAMPLES


@pytest.mark.parametrize("name", [name for name in EXAMPLES if METHODS[name].ours])
@pytest.mark.parametrize("backbone", ["bert"], indirect=True)
def test_what_trains_is_on_the_device_of_the_layers(backbone, name) -> None:
    model = backbone.classifier(2).to("meta")
    apply(canonical({"modules": {name: EXAMPLES[name]}}, VOCABULARY, backbone.shape), model, backbone.anatomy)
    found = adapter_parameters(model)
    assert found
    assert {parameter.device.type for parameter in found.values()} == {"meta"}


class Asked(Exception):
    """A prompt was asked for."""


@pytest.mark.parametrize("backbone", ["bert"], indirect=True)
def test_the_tasks_of_a_prompt_are_told_there(backbone, monkeypatch) -> None:
    def ask(self, batch, task_ids=None, **others):
        raise Asked(task_ids.device)

    name = "multitask_prompt"
    model = backbone.classifier(2).to("meta")
    apply(canonical({"modules": {name: EXAMPLES[name]}}, VOCABULARY, backbone.shape), model, backbone.anatomy)
    monkeypatch.setattr(PeftModel, "get_prompt", ask)
    with pytest.raises(Asked, match="meta"):
        model(input_ids=torch.zeros(2, 3, dtype=torch.long, device="meta"))
