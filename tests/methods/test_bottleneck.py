"""Adapters in one layer against formulas written out by hand."""

import torch
from torch.nn.functional import gelu, relu

from autopeft.backbones import features
from autopeft.methods import VOCABULARY, adapter_parameters, apply
from autopeft.space.canonical import canonical
from autopeft.testing.methods import logits, randomise
from autopeft.testing.models import tiny_batch

MODULES = {
    "lora": {"rank": 2, "alpha": 6, "targets": ["down", "up"], "layers": [1]},
    "serial_adapter": {"size": 4, "scale": 0.5, "activation": "gelu", "layers": [1]},
    "parallel_adapter": {"size": 3, "scale": 3, "layers": [1]},
}


def test_lora_is_inside_parallel_is_inside_serial(backbone) -> None:
    model, anatomy = backbone.classifier(2), backbone.anatomy
    seen = {}
    for role in ("up", "down"):
        model.get_submodule(anatomy.module(1, role)).register_forward_hook(
            lambda module, args, output, role=role: seen.update({role: (args[0], output)})
        )
    apply(canonical({"modules": MODULES}, VOCABULARY, backbone.shape), model, anatomy, seed=0)
    randomise(model)
    model.get_submodule(anatomy.module(1, "down")).register_forward_hook(
        lambda module, args, output: seen.update(sum=output)
    )
    logits(model, tiny_batch(backbone))
    (ffn_input, _), (inner, base) = seen["up"], seen["down"]
    own = {
        name.partition(anatomy.module(1, "down") + ".")[2].replace("base_layer.", "").replace(".default", ""): p
        for name, p in adapter_parameters(model).items()
    }

    def bottleneck(kind, x, activation):
        hidden = activation(x @ own[f"{kind}_down.weight"].T + own[f"{kind}_down.bias"])
        return hidden @ own[f"{kind}_up.weight"].T + own[f"{kind}_up.bias"]

    expected = base + 6 / 2 * (inner @ own["lora_A.weight"].T @ own["lora_B.weight"].T)
    expected = expected + 3 * bottleneck("parallel_adapter", ffn_input, relu)
    expected = expected + 0.5 * bottleneck("serial_adapter", expected, gelu)
    torch.testing.assert_close(seen["sum"], expected)


def test_scale_bias_and_gate_do_what_they_say(backbone) -> None:
    knobs = {"size": 4, "scale": 2, "biased": False, "learned_scale": True, "gate": True, "layers": [0]}
    configuration = canonical({"modules": {"parallel_adapter": knobs}}, VOCABULARY, backbone.shape)
    model, name = backbone.classifier(2), backbone.anatomy.module(0, "down")
    before = logits(model, tiny_batch(backbone))
    apply(configuration, model, backbone.anatomy, seed=0)
    assert torch.equal(logits(model, tiny_batch(backbone)), before)
    d = backbone.shape.hidden
    assert sum(p.numel() for p in adapter_parameters(model).values()) == 2 * d * 4 + 1 + d + 1
    layer = model.get_submodule(name)
    assert layer.parallel_adapter_scale["default"].item() == 2
    randomise(model)
    own = {key.replace(".default", ""): value for key, value in layer.named_parameters() if "parallel" in key}
    x = torch.randn(2, 5, d)
    gate = torch.sigmoid(x @ own["parallel_adapter_gate.weight"].T + own["parallel_adapter_gate.bias"]).mean(1)
    hidden = relu(x @ own["parallel_adapter_down.weight"].T)
    expected = gate[:, None] * own["parallel_adapter_scale"] * (hidden @ own["parallel_adapter_up.weight"].T)
    torch.testing.assert_close(layer.delta(x, x), expected)


def test_sizes_follow_the_paper(backbone) -> None:
    # He et al. 2021: 2 d r weights with r + d biases for a parallel adapter.
    d = backbone.shape.hidden
    model = backbone.classifier(2)
    configuration = canonical({"modules": {"parallel_adapter": {"size": 5, "layers": [0]}}}, VOCABULARY, backbone.shape)
    apply(configuration, model, backbone.anatomy)
    assert sum(p.numel() for p in adapter_parameters(model).values()) == 2 * d * 5 + 5 + d


def test_features_of_both_layouts(backbone) -> None:
    module = backbone.meta().get_submodule(backbone.anatomy.module(0, "up"))
    assert features(module) == (backbone.shape.hidden, backbone.shape.ffn)


def test_keeps_nothing_between_steps(tiny) -> None:
    backbone = tiny("bert")
    model = backbone.classifier(2)
    apply(canonical({"modules": MODULES}, VOCABULARY, backbone.shape), model, backbone.anatomy)
    logits(model, tiny_batch(backbone))
    layers = [m for m in model.modules() if hasattr(m, "_captured")]
    assert layers
    assert all(layer._captured.take() is None for layer in layers)
