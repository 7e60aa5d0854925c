"""Convolutional adapters against what their authors' code does, and what of it is mended."""

from dataclasses import replace

import pytest
import torch
from peft import PeftModel
from torch.nn.functional import conv1d, glu, layer_norm, linear, silu

from autopeft.costs import Costs
from autopeft.errors import ConfigurationError
from autopeft.methods import (
    VOCABULARY,
    adapter_parameters,
    apply,
    frozen_depth,
    load,
    save,
    stays_in_layers,
    switch_training,
    trainable,
)
from autopeft.space import canonical
from autopeft.testing.methods import logits, randomise, train
from autopeft.testing.models import tiny_batch
from autopeft.training.state import read_state, write_state
from tests.marks import mostly_slow
from tests.methods.stepping import build, fresh

EACH = mostly_slow(["bert", "vit", "gpt2", "llama"])
#: What the release trains by default, small: beside the feed-forward sublayer, with its norm and the last.
RELEASED = {"size": 4, "kernel": 5, "norms": "all", "normed": False, "start": "random"}


def branch_by_hand(own, x):
    """Return what a branch makes of `x` in evaluation mode, by the formula; as it was built, statistics are 0 and 1."""
    hidden = layer_norm(x, x.shape[-1:], own["norm.weight"], own["norm.bias"])
    hidden = linear(hidden, own["down.weight"][..., 0], own["down.bias"]).transpose(1, 2)
    hidden, size = glu(hidden, dim=1), len(own["depthwise.weight"])
    hidden = conv1d(hidden, own["depthwise.weight"], own["depthwise.bias"], padding=2, groups=size).transpose(1, 2)
    hidden = silu(hidden / (1 + 1e-5) ** 0.5 * own["batch_norm.weight"] + own["batch_norm.bias"])
    return linear(hidden, own["up.weight"][..., 0], own["up.bias"])


@pytest.mark.parametrize("backbone", EACH, indirect=True)
@pytest.mark.parametrize("insertion", ["parallel", "sequential"])
@pytest.mark.parametrize(("last", "first"), [("down", "up"), ("o", "q")])
def test_it_adds_what_the_formula_says_of_what_goes_in_or_comes_out(backbone, insertion, last, first) -> None:
    knobs = {"size": 4, "kernel": 5, "position": "both", "insertion": insertion, "layers": [1]}
    model, _ = build(backbone, {"conv_adapter": knobs})
    randomise(model)
    layer = model.get_submodule(backbone.anatomy.module(1, last))
    seen = {}
    model.get_submodule(backbone.anatomy.module(1, first)).register_forward_pre_hook(
        lambda _, args: seen.update(input=args[0])
    )
    layer.base_layer.register_forward_hook(lambda _, args, output: seen.update(output=output))
    layer.register_forward_hook(lambda _, args, output: seen.update(sum=output))
    logits(model, tiny_batch(backbone))
    own = dict(layer.conv_adapter_branch["default"].named_parameters())
    read = seen["input" if insertion == "parallel" else "output"]
    torch.testing.assert_close(seen["sum"], seen["output"] + branch_by_hand(own, read))
    assert layer._captured is None or layer._captured.take() is None


@pytest.mark.parametrize("backbone", EACH, indirect=True)
@pytest.mark.parametrize(("position", "sites"), [("ffn", 1), ("both", 2)])
def test_the_count_is_that_of_branches_and_norms(backbone, position, sites) -> None:
    d, r, k, layers = backbone.shape.hidden, 6, 7, backbone.shape.layers
    norm = d if backbone.config.model_type == "llama" else 2 * d
    branch = 3 * d * r + r * (k + 5) + d
    last = 0 if backbone.anatomy.norms_after else norm
    for knobs, expected in (
        ({"norms": "none", "normed": False}, layers * sites * branch),
        ({"norms": "none"}, layers * sites * (branch + 2 * d)),
        ({}, layers * sites * (branch + 2 * d + norm)),
        ({"norms": "all"}, layers * sites * (branch + 2 * d + norm) + last),
    ):
        modules = {"conv_adapter": {"size": r, "kernel": k, "position": position, **knobs}}
        model, configuration = build(backbone, modules)
        assert Costs(backbone).params(configuration) == expected
        assert sum(parameter.numel() for parameter in adapter_parameters(model).values()) == expected


def test_the_norms_that_train_are_those_of_its_sublayers_and_the_last(tiny) -> None:
    backbone = tiny("vit")
    for knobs, expected in (
        ({"norms": "none"}, set()),
        ({}, {f"{backbone.anatomy.layer(layer)}.layernorm_after" for layer in range(3)}),
        ({"norms": "all", "layers": [2]}, {f"{backbone.anatomy.layer(2)}.layernorm_after", "vit.layernorm"}),
        (
            {"position": "both", "layers": [0]},
            {f"{backbone.anatomy.layer(0)}.layernorm_{side}" for side in ("before", "after")},
        ),
    ):
        model, _ = build(backbone, {"conv_adapter": {"size": 4, **knobs}})
        copies = {name.partition(".conv_adapter_norm.")[0] for name in trainable(model) if "conv_adapter_norm" in name}
        assert copies == expected


def test_both_projections_learn_from_the_default_start_and_from_the_released_one(tiny) -> None:
    backbone = tiny("vit")
    batch, expected = tiny_batch(backbone), logits(fresh(backbone), tiny_batch(backbone))
    for knobs, exact in (({"size": 4, "kernel": 5}, True), (RELEASED, False)):
        model, _ = build(backbone, {"conv_adapter": knobs})
        assert torch.equal(logits(model, batch), expected) == exact
        before = {name: value.detach().clone() for name, value in adapter_parameters(model).items()}
        switch_training(model, True)
        train(model, batch, 2, of=100)
        moved = {
            name: value for name, value in adapter_parameters(model).items() if not torch.equal(value, before[name])
        }
        for part in ("down", "up", "depthwise", "batch_norm"):
            assert sum(f".{part}.weight" in name for name in moved) == backbone.shape.layers, part


def test_the_batch_norm_trains_while_the_backbone_stays_as_it_is(tiny, tmp_path) -> None:
    backbone = tiny("bert")
    batch, modules = tiny_batch(backbone), {"conv_adapter": {"size": 4, "kernel": 5}}
    model, configuration = build(backbone, modules)
    norms = [module for module in model.modules() if isinstance(module, torch.nn.BatchNorm1d)]
    assert len(norms) == 3
    assert not any(norm.training for norm in norms)
    switch_training(model, True)
    assert all(norm.training for norm in norms)
    assert not any(module.training for name, module in model.named_modules() if name.endswith("base_layer"))
    train(model, batch, 4, of=4, rate=0.05)
    assert all(norm.num_batches_tracked == 4 and norm.running_mean.any() for norm in norms)
    in_training = model(**batch).logits
    switch_training(model, False)
    expected = model(**batch).logits
    assert not torch.allclose(in_training, expected)
    assert torch.equal(model(**batch).logits, expected)
    assert all(norm.num_batches_tracked == 5 for norm in norms)

    save(model, tmp_path / "saved")
    twin = fresh(backbone)
    assert load(tmp_path / "saved", twin, backbone.anatomy) == configuration
    assert torch.equal(logits(twin, batch), expected)
    stock = PeftModel.from_pretrained(fresh(backbone), str(tmp_path / "saved"))
    assert torch.equal(logits(stock, batch), expected)
    stored = 4 * Costs(backbone).params(configuration) + 3 * (2 * 4 * 4 + 8)
    assert Costs(backbone).bytes(configuration) == stored

    write_state(model, tmp_path / "state")
    again, _ = build(backbone, modules)
    read_state(again, tmp_path / "state")
    assert torch.equal(logits(again, batch), expected)


def test_it_sees_the_padding_beside_a_text(tiny) -> None:
    backbone = tiny("bert")
    model, configuration = build(backbone, {"conv_adapter": {"size": 4, "layers": [2]}})
    assert frozen_depth(configuration, backbone.anatomy) == 0
    assert not stays_in_layers(configuration)
    randomise(model)
    batch = {key: value[:1, :4] for key, value in tiny_batch(backbone).items() if key != "labels"}
    batch["attention_mask"] = torch.ones_like(batch["attention_mask"])
    padded = {key: torch.cat([value, torch.zeros_like(value)], dim=1) for key, value in batch.items()}
    assert not torch.allclose(logits(model, batch), logits(model, padded), atol=1e-4)


@pytest.mark.parametrize(
    ("knobs", "unknown", "message"),
    [
        ({"kernel": 4}, {}, "a kernel of 4 tokens .*expected an odd number"),
        ({}, {"sublayer_norms": {}}, "norm of every sublayer is not known .*expected norms: none"),
        ({"norms": "all"}, {"last_norm": ""}, "norm behind the layers is not known .*expected norms: own"),
    ],
)
def test_what_it_cannot_do_is_refused(tiny, knobs, unknown, message) -> None:
    backbone = tiny("vit")
    configuration = canonical({"modules": {"conv_adapter": {"size": 4, **knobs}}}, VOCABULARY, backbone.shape)
    with pytest.raises(ConfigurationError, match=message):
        apply(configuration, fresh(backbone), replace(backbone.anatomy, **unknown))


@pytest.mark.parametrize("other", ["ln_tuning", "bitfit"])
def test_no_other_trains_the_same_norms(tiny, other) -> None:
    with pytest.raises(ConfigurationError, match=f"{other}|conv_adapter"):
        canonical({"modules": {"conv_adapter": {"size": 4}, other: {}}}, VOCABULARY, tiny("bert").shape)


@pytest.mark.parametrize("name", ["conv_adapter", "serial_adapter", "parallel_adapter"])
def test_sizes_are_written_by_how_much_narrower_they_are(tiny, name) -> None:
    shape = replace(tiny("vit").shape, hidden=768)
    for written, size in (("d/96", 8), ("d/64", 12)):
        configuration = canonical({"modules": {name: {"size": written}}}, VOCABULARY, shape)
        assert configuration.modules[name]["size"] == size
