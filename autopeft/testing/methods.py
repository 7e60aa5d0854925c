"""The contract every method keeps, as a pytest class: subclass it and name configurations to try.

class TestLora(MethodContract):
    examples = ({"lora": {"rank": 4, "targets": ["q", "v"]}},)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from peft import PeftModel
from transformers import PreTrainedModel

from autopeft.backbones import Backbone, head_parameters, load_backbone
from autopeft.costs import Costs
from autopeft.methods import METHODS, VOCABULARY, adapter_parameters, apply, load, remove, save, trainable
from autopeft.methods.builder import tuner_layers
from autopeft.space import Configuration, cells
from autopeft.space.canonical import build, canonical
from autopeft.testing.models import ARCHITECTURES, tiny_backbone, tiny_batch

__all__ = ["MethodContract", "logits", "randomise"]


def logits(model: torch.nn.Module, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Return the logits of a model in eval mode."""
    model.eval()
    with torch.no_grad():
        result: torch.Tensor = model(**batch).logits
    return result


def randomise(model: PreTrainedModel) -> None:
    """Make every adapter tensor non-zero, so that a lost scale, size or place shows."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in adapter_parameters(model).values():
            parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))


class MethodContract:
    """Tests that a method is counted, built, trained, saved and removed as promised, on every architecture.

    Attributes:
        examples: The `modules` of configurations to try; sizes of at least 4 keep gradients from vanishing.
    """

    examples: ClassVar[tuple[Mapping[str, Mapping[str, Any]], ...]]

    @pytest.fixture(scope="class", params=ARCHITECTURES)
    def backbone(self, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Backbone:
        """A tiny backbone of every architecture in turn."""
        return load_backbone(tiny_backbone(request.param, tmp_path_factory.mktemp("backbone")))

    @pytest.fixture
    def batch(self, backbone: Backbone) -> dict[str, torch.Tensor]:
        """Two texts of different lengths."""
        return tiny_batch(backbone)

    def configurations(self, backbone: Backbone) -> Iterator[Configuration]:
        """Yield the examples as configurations of a backbone."""
        for modules in self.examples:
            yield canonical({"modules": modules, "training": {}}, VOCABULARY, backbone.shape)

    def test_predicted_count_is_the_counted_one(self, backbone: Backbone) -> None:
        """The cost known beforehand is the number of parameters built."""
        costs, model = Costs(backbone), backbone.classifier(2)
        for configuration in self.configurations(backbone):
            apply(configuration, model, backbone.anatomy)
            counted = sum(parameter.numel() for parameter in adapter_parameters(model).values())
            assert costs.params(configuration) == counted > 0
            remove(model)

    def test_adapters_and_head_are_all_that_trains(self, backbone: Backbone) -> None:
        """Everything of the backbone, its pooler too, is frozen."""
        model = backbone.classifier(2)
        for configuration in self.configurations(backbone):
            apply(configuration, model, backbone.anatomy)
            assert trainable(model).keys() == adapter_parameters(model).keys() | head_parameters(model).keys()
            remove(model)

    def test_starts_as_the_backbone_where_promised(self, backbone: Backbone, batch: dict[str, torch.Tensor]) -> None:
        """The logits at step 0 are those of the backbone, to the bit."""
        model = backbone.classifier(2)
        before = logits(model, batch)
        for configuration in self.configurations(backbone):
            if all(METHODS[name].identity_at_start for name in configuration.modules):
                apply(configuration, model, backbone.anatomy, seed=1)
                assert torch.equal(logits(model, batch), before)
                remove(model)

    def test_training_changes_just_what_trains(self, backbone: Backbone, batch: dict[str, torch.Tensor]) -> None:
        """Two steps change every parameter of the adapters and the head, and no other."""
        for configuration in self.configurations(backbone):
            model = backbone.classifier(2)
            apply(configuration, model, backbone.anatomy, seed=1)
            before = {name: value.clone() for name, value in model.state_dict().items()}
            optimiser = torch.optim.AdamW(trainable(model).values(), lr=0.01, weight_decay=0.0)
            for _ in range(2):
                optimiser.zero_grad()
                model(**batch).loss.backward()
                optimiser.step()
            after = model.state_dict()
            changed = {name for name in after if not torch.equal(after[name], before[name])}
            assert changed == trainable(model).keys()

    def test_reloads_as_it_was_saved(self, backbone: Backbone, batch: dict[str, torch.Tensor], tmp_path: Path) -> None:
        """A saved model and its reloaded twin compute the same, head included, by autopeft and by PEFT."""
        for index, configuration in enumerate(self.configurations(backbone)):
            folder = tmp_path / str(index)
            model, twin = backbone.classifier(2), backbone.classifier(2)
            apply(configuration, model, backbone.anatomy)
            randomise(model)
            expected = logits(model, batch)
            save(model, folder)
            assert load(folder, twin, backbone.anatomy) == configuration
            assert torch.equal(logits(twin, batch), expected)
            if len(configuration.modules) == 1:
                peft_twin = PeftModel.from_pretrained(backbone.classifier(2), str(folder))
                assert torch.equal(logits(peft_twin, batch), expected)

    def test_off_or_removed_is_the_backbone(self, backbone: Backbone, batch: dict[str, torch.Tensor]) -> None:
        """Switched off or taken out, adapters leave no trace in logits, weights or modules."""
        model = backbone.classifier(2)
        expected, state = logits(model, batch), {k: v.clone() for k, v in model.state_dict().items()}
        modules, settings = dict(model.named_modules()), model.config.to_dict()
        hooks = {name: len(module._forward_pre_hooks) for name, module in modules.items()}
        for configuration in self.configurations(backbone):
            apply(configuration, model, backbone.anatomy)
            randomise(model)
            assert not torch.equal(logits(model, batch), expected)
            for layer in tuner_layers(model):
                layer.enable_adapters(False)
            assert torch.equal(logits(model, batch), expected)
            remove(model)
            assert torch.equal(logits(model, batch), expected)
            after = dict(model.named_modules())
            assert after.keys() == modules.keys()
            assert all(after[name] is module for name, module in modules.items())
            assert {name: len(module._forward_pre_hooks) for name, module in after.items()} == hooks
            assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
            assert model.config.to_dict() == settings
            assert all(parameter.requires_grad for parameter in model.parameters())

    def test_a_layer_switched_off_owns_nothing(self, backbone: Backbone) -> None:
        """With one layer on, all adapter parameters lie in that layer."""
        model = backbone.classifier(2)
        for configuration in self.configurations(backbone):
            placed = cells(configuration, VOCABULARY)
            layer = max(set.intersection(*({cell.layer for cell in places} for places in placed.values())))
            on = {
                name: {cell: knobs for cell, knobs in places.items() if cell.layer == layer}
                for name, places in placed.items()
            }
            apply(build(on, configuration.training, VOCABULARY), model, backbone.anatomy)
            names = adapter_parameters(model)
            assert names
            assert all(name.startswith(backbone.anatomy.layer(layer) + ".") for name in names)
            remove(model)
