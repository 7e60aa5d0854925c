"""The contract every method keeps, as a pytest class: subclass it and name configurations to try.

class TestLora(MethodContract):
    examples = ({"lora": {"rank": 4, "targets": ["q", "v"]}},)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from peft import PeftModel
from torch import nn

from autopeft.backbones import Backbone, head_parameters, load_backbone
from autopeft.costs import Costs
from autopeft.errors import ConfigurationError
from autopeft.exporting.check import randomise
from autopeft.methods import (
    METHODS,
    VOCABULARY,
    AdapterAdamW,
    Moment,
    adapter_parameters,
    after_backward,
    after_step,
    apply,
    before_backward,
    before_step,
    compress,
    frozen_depth,
    load,
    optimiser_groups,
    penalty,
    prune_when_due,
    remove,
    save,
    stays_in_layers,
    trainable,
)
from autopeft.methods.builder import applied, plan, tuner_layers
from autopeft.space import Configuration, cells
from autopeft.space.canonical import build, canonical
from autopeft.testing.cases import try_each
from autopeft.testing.models import ARCHITECTURES, tiny_backbone, tiny_batch
from autopeft.trials.skipping import output_of, skipping
from autopeft.trials.top import first_token_only, reads_first_token

__all__ = ["CHECKS", "MethodContract", "logits", "randomise", "train", "trainable_count"]

#: Largest difference of logits that is rounding.
_CLOSE = 1e-5


def logits(model: nn.Module, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Return the logits of a model in eval mode."""
    model.eval()
    with torch.no_grad():
        result: torch.Tensor = model(**{key: value for key, value in batch.items() if key != "labels"}).logits
    return result


def trainable_count(model: torch.nn.Module) -> int:
    """Return the number of trainable parameters of a model."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def train(
    model: Any,
    batch: Mapping[str, torch.Tensor],
    steps: int,
    of: int,
    *,
    rate: float = 0.01,
    weight_decay: float = 0.0,
    head: bool = True,
    each: Callable[[int, torch.optim.Optimizer], None] = lambda step, optimiser: None,
) -> torch.optim.Optimizer:
    """Train an adapted model on one batch as trials do, at one learning rate; return the optimiser.

    Args:
        model: The model.
        batch: Inputs with labels.
        steps: Steps to do.
        of: Steps of the whole training, as the methods are told.
        rate: The learning rate.
        weight_decay: AdamW's.
        head: Whether the task head trains.
        each: Called after each step with its number and the optimiser.
    """
    heads = list(head_parameters(model).values()) if head else []
    groups = [{**group, "lr": rate} for group in (*optimiser_groups(model), {"params": heads}) if group["params"]]
    optimiser = AdapterAdamW(groups, weight_decay=weight_decay)

    def loss_now() -> float:
        with torch.no_grad():
            return float(model(**batch).loss)

    for step in range(1, steps + 1):
        moment = Moment(step, of, optimiser, epoch=step - 1, sample=lambda count: loss_now)
        prune_when_due(model, moment)
        before_backward(model, moment)
        extra = penalty(model)
        loss = model(**batch).loss
        (loss if extra is None else loss + extra).backward()
        after_backward(model, replace(moment, loss=loss.detach()))
        before_step(model)
        optimiser.step()
        after_step(model, moment)
        optimiser.zero_grad()
        each(step, optimiser)
    return optimiser


def _grows(model: Any) -> bool:
    return any(inserted.part.method.grows for inserted in applied(model).inserted)


def _grow(model: Any, batch: Mapping[str, torch.Tensor]) -> None:
    """Let come in what comes in while a method trains."""
    if _grows(model):
        train(model, batch, 2, of=2, head=False)


def count(backbone: Backbone, configuration: Configuration, folder: Path) -> None:
    """Check that the cost known beforehand is the number of parameters built."""
    model = backbone.classifier(2)
    apply(configuration, model, backbone.anatomy)
    _grow(model, tiny_batch(backbone))
    counted = sum(parameter.numel() for parameter in adapter_parameters(model).values())
    assert Costs(backbone).params(configuration) == counted > 0


def start(backbone: Backbone, configuration: Configuration, folder: Path) -> None:
    """Check that the logits at step 0 are those of the backbone, where that is promised."""
    model, batch = backbone.classifier(2), tiny_batch(backbone)
    before = logits(model, batch)
    apply(configuration, model, backbone.anatomy, seed=1)
    after = logits(model, batch)
    promised = {part.method.start_with(knobs) for part in plan(configuration) for knobs in part.cells.values()}
    if promised == {"exact"}:
        assert torch.equal(after, before)
    elif "differs" not in promised:
        assert torch.allclose(after, before, atol=_CLOSE)


def ownership(backbone: Backbone, configuration: Configuration, folder: Path) -> None:
    """Check that two steps change every parameter of the adapters and the head, and no other."""
    model, batch = backbone.classifier(2), tiny_batch(backbone)
    apply(configuration, model, backbone.anatomy, seed=1)
    assert trainable(model).keys() == adapter_parameters(model).keys() | head_parameters(model).keys()
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    train(model, batch, 2, of=2 if _grows(model) else 100)
    changed = {name for name, parameter in model.named_parameters() if not torch.equal(parameter, before[name])}
    # Of what grows, some may have got nothing.
    assert changed == {name for name, parameter in trainable(model).items() if parameter.numel()}


def reload(backbone: Backbone, configuration: Configuration, folder: Path) -> None:
    """Check that a saved model and its reloaded twin compute the same, head included, by autopeft and by PEFT."""
    model, twin, batch = backbone.classifier(2), backbone.classifier(2), tiny_batch(backbone)
    apply(configuration, model, backbone.anatomy, seed=3)
    _grow(model, batch)
    randomise(model)
    expected = logits(model, batch)
    save(model, folder)
    assert load(folder, twin, backbone.anatomy) == configuration
    if not _is_prompt(configuration):
        assert torch.equal(logits(twin, batch), expected)
    # A network may have made a prompt out of one text's at a time, or of a batch's.
    assert torch.allclose(logits(twin, batch), expected, atol=_CLOSE)
    if len(applied(model).inserted) == 1:
        peft_twin = PeftModel.from_pretrained(backbone.classifier(2), str(folder))
        task = {"task_ids": torch.zeros(len(batch["labels"]), dtype=torch.long)}
        task = task if {"multitask_prompt", "poly"} & configuration.modules.keys() else {}
        if _is_prompt(configuration):
            # PEFT takes the last position of a prompted text for its last token, padding or not.
            batch, task = ({key: value[:1] for key, value in inputs.items()} for inputs in (batch, task))
            assert torch.allclose(logits(peft_twin, batch | task), logits(model, batch), atol=_CLOSE)
        else:
            assert torch.equal(logits(peft_twin, batch | task), expected)


def merge(backbone: Backbone, configuration: Configuration, folder: Path) -> None:
    """Check that folded into the weights, where that is promised, adapters compute the same."""
    model, batch = backbone.classifier(2), tiny_batch(backbone)
    apply(configuration, model, backbone.anatomy, seed=3)
    inserted = applied(model).inserted
    if len(inserted) != 1:
        return
    part = inserted[0].part
    if all(part.method.merges(knobs) for knobs in part.cells.values()):
        _grow(model, batch)
        randomise(model, 0.05)
        expected = logits(model, batch)
        assert torch.allclose(logits(inserted[0].tuner.merge_and_unload(), batch), expected, atol=_CLOSE)
    elif part.method.mergeable:
        with pytest.raises(ValueError, match="cannot be merged"):
            inserted[0].tuner.merge_and_unload()


def compression(backbone: Backbone, configuration: Configuration, folder: Path) -> None:
    """Check that what is kept of a compressed adapter is what is stored, costs what was said, and comes back."""
    training = {"compression": "compeft", "compeft_density": 0.1}
    methods = [part.method for part in plan(configuration)]
    if not all(method.compressible for method in methods):
        with pytest.raises(ConfigurationError, match="beside which it can only be none"):
            canonical({"modules": configuration.modules, "training": training}, VOCABULARY, backbone.shape)
        return
    asked = canonical(
        {"modules": configuration.modules, "training": {**configuration.training, **training}},
        VOCABULARY,
        backbone.shape,
    )
    model, twin, batch = backbone.classifier(2), backbone.classifier(2), tiny_batch(backbone)
    if any(part.method.alters_weights(knobs) for part in plan(configuration) for knobs in part.cells.values()):
        with pytest.raises(ConfigurationError, match="a part of the weights"):
            apply(asked, model, backbone.anatomy)
        return
    apply(asked, model, backbone.anatomy, seed=3)
    randomise(model)
    before, known = logits(model, batch), Costs(backbone).bytes(asked)
    compress(model)
    expected = logits(model, batch)
    assert not torch.equal(expected, before)
    packed = applied(model).packed
    assert sum(value.nbytes for part in packed.values() for value in part.values()) == known
    save(model, folder)
    assert load(folder, twin, backbone.anatomy) == asked
    assert torch.allclose(logits(twin, batch), expected, atol=_CLOSE)


def pruning(backbone: Backbone, configuration: Configuration, folder: Path) -> None:
    """Check that beside pruned weights an adapter computes the same once reloaded, and that these come back."""
    training = {**configuration.training, "pruning": "unstructured"}
    written = {"modules": configuration.modules, "training": training}
    parts = plan(configuration)
    if not all(part.method.prunable for part in parts):
        with pytest.raises(ConfigurationError, match="beside which it can only be none"):
            canonical(written, VOCABULARY, backbone.shape)
        return
    asked = canonical(written, VOCABULARY, backbone.shape)
    model, twin, batch = backbone.classifier(2), backbone.classifier(2), tiny_batch(backbone)
    if any(part.method.alters_weights(knobs) for part in parts for knobs in part.cells.values()):
        with pytest.raises(ConfigurationError, match="other weights in place"):
            apply(asked, model, backbone.anatomy)
        return
    state = {name: value.clone() for name, value in model.state_dict().items()}
    apply(asked, model, backbone.anatomy, seed=3)
    _grow(model, batch)
    randomise(model)
    before, pending = logits(model, batch), [pruner for pruner in applied(model).pruners if pruner.pending]
    for pruner in pending:
        pruner.prune()
    expected = logits(model, batch)
    assert not pending or not torch.equal(expected, before)
    save(model, folder)
    assert load(folder, twin, backbone.anatomy) == asked
    assert torch.allclose(logits(twin, batch), expected, atol=_CLOSE)
    remove(model)
    heads = head_parameters(model).keys()
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items() if name not in heads)


def removal(backbone: Backbone, configuration: Configuration, folder: Path) -> None:
    """Check that switched off or taken out, adapters leave no trace in logits, weights or modules."""
    model, batch = backbone.classifier(2), tiny_batch(backbone)
    expected, state = logits(model, batch), {key: value.clone() for key, value in model.state_dict().items()}
    # With the first loss, transformers writes the type of the problem into the config.
    model(**batch)
    modules, settings = dict(model.named_modules()), model.config.to_dict()
    hooks = {name: len(module._forward_pre_hooks) for name, module in modules.items()}
    apply(configuration, model, backbone.anatomy, seed=3)
    _grow(model, batch)
    randomise(model)
    assert not torch.equal(logits(model, batch), expected)
    if not _is_prompt(configuration) and not any(
        part.method.alters_weights(knobs) for part in plan(configuration) for knobs in part.cells.values()
    ):
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


def one_layer(backbone: Backbone, configuration: Configuration, folder: Path) -> None:
    """Check that with one layer on, all adapter parameters lie in that layer."""
    if _is_prompt(configuration):
        return
    model = backbone.classifier(2)
    layer, alone = _top(configuration)
    apply(alone, model, backbone.anatomy)
    names = adapter_parameters(model)
    assert names
    assert all(name.startswith(f"{backbone.anatomy.layer(layer)}.") for name in names)


def shortened(backbone: Backbone, configuration: Configuration, folder: Path) -> None:
    """Check that what trials leave out of a forward pass has no say, with one layer on."""
    if _is_prompt(configuration):
        return
    _, alone = _top(configuration)
    model, batch = backbone.classifier(2), tiny_batch(backbone)
    inputs = {key: value for key, value in batch.items() if key != "labels"}
    depth = frozen_depth(alone, backbone.anatomy)
    hidden, arity = None, 0
    if depth:
        with torch.no_grad():
            hidden, arity = output_of(model, backbone.anatomy, depth - 1, inputs)
        if "attention_mask" in inputs:
            hidden = torch.where(inputs["attention_mask"][..., None] == 1, hidden, 3.0)
    cut = stays_in_layers(alone) and reads_first_token(model, backbone.anatomy, inputs)
    apply(alone, model, backbone.anatomy)
    _grow(model, batch)
    randomise(model)
    expected = logits(model, batch)
    with (
        skipping(model, backbone.anatomy, depth, arity) as skip,
        first_token_only(model, backbone.anatomy) if cut else nullcontext(),
    ):
        if hidden is not None:
            skip.hidden = hidden
        torch.testing.assert_close(logits(model, batch), expected, atol=_CLOSE, rtol=_CLOSE)
    assert torch.equal(logits(model, batch), expected)


def _top(configuration: Configuration) -> tuple[int, Configuration]:
    """Return the highest layer that all methods share, and the configuration with no other layer on."""
    placed = cells(configuration, VOCABULARY)
    layer = max(set.intersection(*({cell.layer for cell in places} for places in placed.values())))
    on = {
        name: {cell: knobs for cell, knobs in places.items() if cell.layer == layer} for name, places in placed.items()
    }
    return layer, build(on, configuration.shared, VOCABULARY)


def _is_prompt(configuration: Configuration) -> bool:
    return any(METHODS[name].words.placement == "model" for name in configuration.modules)


#: What is checked of a method, each of a backbone, a configuration and an empty folder.
CHECKS = {
    check.__name__: check
    for check in (count, start, ownership, reload, merge, compression, pruning, removal, one_layer, shortened)
}


class MethodContract:
    """Tests that a method is counted, built, trained, saved, merged and removed as promised, on every architecture.

    Attributes:
        examples: The `modules` of configurations to try; sizes of at least 4 keep gradients from vanishing.
        architectures: The tiny models to try them on; all but the first are slow.
    """

    examples: ClassVar[tuple[Mapping[str, Mapping[str, Any]], ...]]
    architectures: ClassVar[tuple[str, ...]] = ARCHITECTURES

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Try each architecture in turn."""
        try_each(metafunc, self.architectures)

    @pytest.fixture(scope="class")
    def backbone(self, architecture: str, tmp_path_factory: pytest.TempPathFactory) -> Backbone:
        """A tiny backbone of an architecture."""
        return load_backbone(tiny_backbone(architecture, tmp_path_factory.mktemp("backbone")))

    def configurations(self, backbone: Backbone) -> Iterator[Configuration]:
        """Yield the examples as configurations of a backbone."""
        for modules in self.examples:
            yield canonical({"modules": modules, "training": {}}, VOCABULARY, backbone.shape)

    @pytest.mark.parametrize("check", CHECKS)
    def test_contract(self, backbone: Backbone, check: str, tmp_path: Path) -> None:
        """Every check holds for every example."""
        for index, configuration in enumerate(self.configurations(backbone)):
            assert set(configuration.modules) <= METHODS.keys()
            CHECKS[check](backbone, configuration, tmp_path / str(index))
