"""Published methods against what their authors' code does where their papers leave it open."""

from dataclasses import replace

import pytest
import torch
from peft import PeftModel
from peft.tuners.lora.config import CordaConfig
from torch.nn.functional import linear, relu

from autopeft.costs import Costs
from autopeft.errors import ConfigurationError
from autopeft.methods import VOCABULARY, adapter_parameters, apply, load, penalty, save
from autopeft.methods.builder import applied
from autopeft.space import canonical
from autopeft.testing.methods import logits, randomise
from autopeft.testing.models import tiny_batch
from tests.marks import mostly_slow
from tests.methods.stepping import build, fresh, train

#: AutoPEFT's three modules as its release has them, small, in one layer.
AUTOPEFT = {
    "serial_adapter": {"size": 4, "reads": "norm", "start": "normal", "layers": [1]},
    "parallel_adapter": {"size": 3, "scale": 4, "layers": [1]},
}


def own_of(model, name):
    """Return the parameters of the adapters around a matrix, by `serial_adapter_down.weight` and the like."""
    return {
        key.partition(f"{name}.")[2].replace("base_layer.", "").replace(".default", ""): value
        for key, value in adapter_parameters(model).items()
        if f"{name}." in key
    }


def bottleneck(own, kind, x):
    hidden = relu(linear(x, own[f"{kind}_down.weight"], own[f"{kind}_down.bias"]))
    return linear(hidden, own[f"{kind}_up.weight"], own[f"{kind}_up.bias"])


@pytest.mark.parametrize("backbone", mostly_slow(["bert", "distilbert", "gpt2", "llama", "vit"]), indirect=True)
def test_autopeft_adapter_reads_the_sum_of_the_block_through_its_norm(backbone) -> None:
    anatomy, batch = backbone.anatomy, tiny_batch(backbone)
    model = fresh(backbone)
    name, layer = anatomy.module(1, "down"), model.get_submodule(anatomy.layer(1))
    norm, stream = anatomy.sum_norm(1, "down")
    seen = {}
    plain, norm = model.get_submodule(name), model.get_submodule(norm)
    plain.register_forward_hook(lambda _, args, output: seen.update(f=output))
    model.get_submodule(stream).register_forward_pre_hook(lambda _, args: seen.update(x=args[0]))
    model.get_submodule(anatomy.module(1, "up")).register_forward_pre_hook(lambda _, args: seen.update(up=args[0]))
    layer.register_forward_hook(lambda _, args, output: seen.update(block=output))
    apply(canonical({"modules": AUTOPEFT}, VOCABULARY, backbone.shape), model, anatomy, seed=0)
    randomise(model)
    logits(model, batch)
    own = own_of(model, name)
    with torch.no_grad():
        both = seen["f"] + seen["x"]
        added = bottleneck(own, "serial_adapter", norm.forward(both)) + 4 * bottleneck(
            own, "parallel_adapter", seen["up"]
        )
        expected = norm.forward(both + added) if anatomy.norms_after else both + added
    block = seen["block"][0] if isinstance(seen["block"], tuple) else seen["block"]
    torch.testing.assert_close(block, expected, atol=1e-5, rtol=1e-5)
    wrapped = model.get_submodule(name)
    assert (wrapped._sum.take(), wrapped.base_layer._captured.take()) == (None, None)


def test_autopeft_adapter_starts_at_random_and_alone_trains_itself_alone(tiny) -> None:
    backbone = tiny("bert", hidden=64)
    expected = logits(fresh(backbone), tiny_batch(backbone))
    alone = {"serial_adapter": {**AUTOPEFT["serial_adapter"], "size": 64}}
    model, configuration = build(backbone, alone)
    own = own_of(model, backbone.anatomy.module(1, "down"))
    assert not any(own[f"serial_adapter_{part}.bias"].any() for part in ("down", "up"))
    for part in ("down", "up"):
        assert own[f"serial_adapter_{part}.weight"].std().item() == pytest.approx(0.02, rel=0.1)
    assert not torch.equal(logits(model, tiny_batch(backbone)), expected)
    # No half of a parallel adapter beside it, which the release creates and never uses.
    assert Costs(backbone).params(configuration) == sum(p.numel() for p in own.values()) == 2 * 64 * 64 + 64 + 64
    assert len(adapter_parameters(model)) == 4
    at_zero, _ = build(backbone, {"serial_adapter": {**alone["serial_adapter"], "start": "zero"}})
    assert torch.equal(logits(at_zero, tiny_batch(backbone)), expected)


def test_an_architecture_without_a_plain_sum_refuses_to_have_it_read(tiny) -> None:
    backbone = tiny("bert")
    unknown = replace(backbone.anatomy, sublayer_norms={})
    configuration = canonical({"modules": {"serial_adapter": {"size": 4, "reads": "norm"}}}, VOCABULARY, backbone.shape)
    with pytest.raises(ConfigurationError, match=r"serial_adapter: .*not known of this architecture"):
        apply(configuration, fresh(backbone), unknown)


@pytest.mark.parametrize("backbone", mostly_slow(["bert", "llama"]), indirect=True)
def test_a_network_makes_a_prefix_and_is_folded_away(backbone, tmp_path) -> None:
    knobs = {"length": 3, "layers": [0, 2]}
    batch = tiny_batch(backbone)
    model, configuration = build(backbone, {"prefix": {**knobs, "network": 8}})
    _, plain = build(backbone, {"prefix": knobs})
    layer = model.get_submodule(backbone.anatomy.attention_module(2))
    own = {key.replace(".default", ""): value for key, value in layer.named_parameters() if "layer_prefix" in key}
    shapes = {key: tuple(value.shape) for key, value in own.items()}
    d, both = backbone.shape.hidden, len(own["layer_prefix_network.2.bias"])
    assert shapes == {
        "layer_prefix_embedding": (3, d),
        "layer_prefix_network.0.weight": (8, d),
        "layer_prefix_network.0.bias": (8,),
        "layer_prefix_network.2.weight": (both, 8),
        "layer_prefix_network.2.bias": (both,),
    }
    costs = Costs(backbone)
    trained = 3 * d + 8 * d + 8 + both * 8 + both
    assert costs.params(configuration) == 2 * trained
    assert costs.params(plain) == 2 * 3 * both
    assert costs.bytes(configuration) == costs.bytes(plain) == 4 * costs.params(plain)
    train(model, batch, 3)
    expected = logits(model, batch)
    hidden = torch.tanh(
        linear(own["layer_prefix_embedding"], own["layer_prefix_network.0.weight"], own["layer_prefix_network.0.bias"])
    )
    made = linear(hidden, own["layer_prefix_network.2.weight"], own["layer_prefix_network.2.bias"])
    keys, values = made.view(
        3, 2, -1, layer.head_dim if hasattr(layer, "head_dim") else layer.attention_head_size
    ).unbind(1)
    found = layer.keys_and_values()
    torch.testing.assert_close(found[0][0].transpose(0, 1), keys)
    torch.testing.assert_close(found[1][0].transpose(0, 1), values)
    save(model, tmp_path)
    twin = fresh(backbone)
    assert load(tmp_path, twin, backbone.anatomy) == configuration
    assert torch.equal(logits(twin, batch), expected)
    assert {name.rpartition(".")[0].rpartition(".")[2] for name in adapter_parameters(twin)} == {
        "layer_prefix_key",
        "layer_prefix_value",
    }
    stock = PeftModel.from_pretrained(fresh(backbone), str(tmp_path))
    assert stock.active_peft_config.network == 0
    assert torch.equal(logits(stock, batch), expected)


def test_kasa_takes_the_mean_over_matrices_where_peft_takes_the_sum(tiny) -> None:
    backbone = tiny("bert")
    knobs = {"rank": {"0": 4, "2": 3}, "targets": ["q", "down"], "beta": 0.5, "gamma": 0.25}
    model, _ = build(backbone, {"kasa": knobs})
    randomise(model)
    layers = [layer for layer in model.modules() if hasattr(layer, "lora_diag")]
    assert len(layers) == 4
    singular, orthogonal = [], []
    for layer in layers:
        a, b = layer.lora_A["default"].weight, layer.lora_B["default"].weight
        eye = torch.eye(len(a))
        singular.append((layer.lora_diag["default"] ** 2).sum())
        orthogonal.append((b.T @ b - eye).norm() + (a @ a.T - eye).norm())
    # The release adds up both penalties and divides each by the number of matrices.
    released = 0.5 * sum(singular) / 4 + 0.25 * sum(orthogonal) / 4
    ours = penalty(model)
    torch.testing.assert_close(ours, released)
    torch.testing.assert_close(applied(model).inserted[0].tuner._get_kasa_loss(), 4 * ours)


def test_kasa_refuses_ranks_that_leave_nothing_of_the_weight(tiny) -> None:
    backbone = tiny("llama")
    for rank in (16, 20):
        modules = {"kasa": {"rank": rank, "targets": ["v"]}}
        with pytest.raises(ConfigurationError, match=f"off a weight that has 16, found rank {rank}"):
            build(backbone, modules)
        with pytest.raises(ConfigurationError, match="off a weight that has 16"):
            Costs(backbone).params(canonical({"modules": modules}, VOCABULARY, backbone.shape))
    build(backbone, {"kasa": {"rank": 15, "targets": ["v"]}})


def test_the_scale_of_a_parallel_adapter_is_one_of_the_whole_branch(tiny) -> None:
    backbone = tiny("bert")
    branches = []
    for scale in (2, 4):
        model, _ = build(backbone, {"parallel_adapter": {"size": 6, "scale": scale, "layers": [0]}})
        layer = model.get_submodule(backbone.anatomy.module(0, "down"))
        down, up = layer.down["default"], layer.up["default"]
        bound = backbone.shape.hidden**-0.5
        assert 0.9 * bound < down.weight.abs().max() <= bound
        assert not any(each.any() for each in (down.bias, up.weight, up.bias))
        x = torch.randn(2, 5, backbone.shape.hidden, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            up.bias.fill_(1.5)
            assert torch.equal(layer.delta(x, x), torch.full_like(x, 1.5 * scale))
        randomise(model)
        branches.append(layer.delta(x, x))
    torch.testing.assert_close(branches[1], 2 * branches[0])


def corda(backbone, monkeypatch, calibrate=None, method="ipm"):
    """Return a model with LoRA in one matrix by CorDA, and that matrix."""
    if calibrate is not None:
        monkeypatch.setattr("autopeft.methods.lora_starts._one_by_one", lambda model, batches: calibrate(model))
    chosen = {"corda_config": CordaConfig(corda_method=method, prune_temporary_fields=True)}
    monkeypatch.setattr("autopeft.methods.lora.config_fields", lambda init: chosen)
    knobs = {"rank": 4, "targets": ["q"], "layers": [0], "init": "corda"}
    model, _ = build(backbone, {"lora": knobs}, batches=[tiny_batch(backbone)])
    return model, model.get_submodule(backbone.anatomy.module(0, "q"))


def test_corda_of_white_inputs_is_pissa(tiny, monkeypatch) -> None:
    backbone = tiny("bert")
    name, eye = backbone.anatomy.module(0, "q"), torch.eye(backbone.shape.hidden)
    model, layer = corda(backbone, monkeypatch, lambda model: model.get_submodule(name)(eye[None]))
    pissa = {"rank": 4, "targets": ["q"], "layers": [0], "init": "pissa"}
    other = build(backbone, {"lora": pissa})[0].get_submodule(name)
    torch.testing.assert_close(layer.base_layer.weight, other.base_layer.weight, atol=1e-5, rtol=0)
    for part, axis in (("lora_A", 1), ("lora_B", 0)):
        ours, its = (getattr(each, part)["default"].weight for each in (layer, other))
        # Each direction up to its sign, and up to how damping by 1 % is shared between A and B.
        assert torch.nn.functional.cosine_similarity(ours, its, dim=axis).abs().min() > 1 - 1e-4
        torch.testing.assert_close(ours.norm(), its.norm(), atol=0, rtol=0.01)
    assert (logits(model, tiny_batch(backbone)) - logits(fresh(backbone), tiny_batch(backbone))).abs().max() < 1e-6


def test_corda_begins_with_the_strongest_or_the_weakest_directions(tiny, monkeypatch) -> None:
    backbone = tiny("bert")
    batch = tiny_batch(backbone)
    expected = logits(fresh(backbone), batch)
    starts = {}
    for method in ("ipm", "kpm"):
        model, layer = corda(backbone, monkeypatch, method=method)
        starts[method] = [getattr(layer, part)["default"].weight.detach() for part in ("lora_A", "lora_B")]
        assert (logits(model, batch) - expected).abs().max() < 1e-6
    (strong_a, strong_b), (weak_a, weak_b) = starts["ipm"], starts["kpm"]
    assert strong_b.norm() > weak_b.norm()
    # B's directions are singular vectors of one matrix: those of one end are orthogonal to those of the other.
    assert (normed(strong_b.T) @ normed(weak_b.T).T).abs().max() < 1e-3
    assert torch.linalg.matrix_rank(torch.cat([normed(strong_a), normed(weak_a)])) == 8


def normed(rows):
    return rows / rows.norm(dim=1, keepdim=True)
