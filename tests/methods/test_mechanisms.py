"""What some methods do beyond a gradient step: each really acts."""

import numpy as np
import pytest
import torch
from peft import PeftModel

from autopeft.costs import Costs
from autopeft.errors import ConfigurationError
from autopeft.methods import (
    VOCABULARY,
    adapter_parameters,
    before_step,
    load,
    optimiser_groups,
    penalty,
    remove,
    save,
    switch_training,
    trainable,
)
from autopeft.methods.builder import applied
from autopeft.methods.sparse.scores import gathered
from autopeft.space import canonical
from autopeft.testing.methods import logits, randomise
from autopeft.testing.models import tiny_batch
from tests.methods.stepping import build, fresh, train


@pytest.mark.slow
@pytest.mark.parametrize("backbone", ["bert", "gpt2", "llama"], indirect=True)
@pytest.mark.parametrize("init", ["eva", "corda", "lora_ga"])
@pytest.mark.parametrize("variant", ["lora", "rslora"])
def test_starts_from_data_change_the_start_not_the_function(backbone, init, variant, tmp_path) -> None:
    batch = tiny_batch(backbone)
    knobs = {"rank": 4, "init": init, "variant": variant, "targets": ["q", "up"]}
    plain, expected = fresh(backbone), logits(fresh(backbone), batch)
    state = {name: value.clone() for name, value in plain.state_dict().items()}
    model, configuration = build(backbone, {"lora": knobs}, batches=[batch] * 3)
    other, _ = build(backbone, {"lora": {**knobs, "init": "default"}})
    assert torch.allclose(logits(model, batch), expected, atol=1e-5)
    first, second = (next(iter(adapter_parameters(each).values())) for each in (model, other))
    assert not torch.equal(first, second)
    assert Costs(backbone).params(configuration) == sum(p.numel() for p in adapter_parameters(model).values())
    randomise(model)
    trained = logits(model, batch)
    save(model, tmp_path)
    twin = fresh(backbone)
    assert load(tmp_path, twin, backbone.anatomy) == configuration
    assert torch.allclose(logits(twin, batch), trained, atol=1e-5)
    stock = PeftModel.from_pretrained(fresh(backbone), str(tmp_path))
    assert torch.allclose(logits(stock, batch), trained, atol=1e-5)
    remove(model)
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())


def test_eva_starts_along_the_inputs(tiny) -> None:
    backbone = tiny("bert")
    batch = tiny_batch(backbone)
    model, _ = build(backbone, {"lora": {"rank": 2, "init": "eva", "targets": ["q"], "layers": [0]}}, batches=[batch])
    seen = []
    layer = model.get_submodule(backbone.anatomy.module(0, "q"))
    layer.register_forward_pre_hook(lambda _module, args: seen.append(args[0][batch["attention_mask"].bool()]))
    model(**batch)
    first = layer.lora_A["default"].weight.detach()
    shares = [((seen[0] @ a / a.norm()) ** 2).sum() for a in (*first, *torch.randn(20, first.shape[1]))]
    assert min(shares[:1]) > max(shares[2:])


def test_adalora_takes_ranks_away_and_pulls_towards_orthogonality(tiny) -> None:
    backbone = tiny("bert")
    model, _ = build(backbone, {"adalora": {"rank": 8, "target_rank": 3}})
    batch = tiny_batch(backbone)
    assert penalty(model).item() > 0
    train(model, batch, 40)
    ranks = [parameter for name, parameter in model.named_parameters() if "lora_E.default" in name]
    assert sum(int((values != 0).sum()) for values in ranks) == 3 * len(ranks)


def test_kasa_cuts_the_weight_and_adds_its_loss(tiny) -> None:
    backbone = tiny("bert")
    plain = fresh(backbone)
    model, _ = build(backbone, {"kasa": {"rank": 4, "beta": 0.5, "gamma": 0.25, "layers": [0], "targets": ["q"]}})
    name = backbone.anatomy.module(0, "q")
    layer = model.get_submodule(name)
    full = torch.linalg.svdvals(plain.get_submodule(name).weight)
    cut = torch.linalg.svdvals(layer.base_layer.weight)
    assert torch.allclose(cut[:-4], full[:-4], atol=1e-4)
    assert cut[-4:].max() < 1e-4 < full[-4:].min()
    a, b = layer.lora_A["default"].weight, layer.lora_B["default"].weight
    diagonal = next(value for key, value in layer.named_parameters() if "lora_diag" in key)
    eye = torch.eye(4)
    expected = 0.5 * (diagonal**2).sum() + 0.25 * ((b.T @ b - eye).norm() + (a @ a.T - eye).norm())
    assert torch.allclose(penalty(model), expected, rtol=1e-4)


def test_lora_plus_lets_b_learn_faster_and_a_method_brings_its_own_rate(tiny) -> None:
    backbone = tiny("bert")
    modules = {"lora": {"rank": 2, "b_ratio": 16}, "ia3": {"learning_rate": 0.3}}
    model, configuration = build(backbone, modules, {"learning_rate": 0.01})
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    groups = {group["lr"]: group["params"] for group in optimiser_groups(model)}
    rates = {rate: {names[id(p)].split(".")[-2] for p in found} for rate, found in groups.items()}
    assert rates == {0.01: {"default"}, 0.16: {"default"}, 0.3: {"ia3_l"}}
    faster = {names[id(parameter)] for parameter in groups[0.16]}
    assert all(".lora_B." in name for name in faster)
    assert configuration.training == {"learning_rate": 0.01}
    alone = canonical({"modules": {"ia3": {"learning_rate": 0.3}}}, VOCABULARY, backbone.shape)
    assert alone.training == {}


def test_lora_fa_projects_the_full_gradient(tiny) -> None:
    backbone = tiny("bert")
    batch = tiny_batch(backbone)
    knobs = {"rank": 4, "alpha": 8, "optimizer": "lora_fa", "targets": ["q"], "layers": [0]}
    model, configuration = build(backbone, {"lora": knobs})
    assert all("lora_B" in name for name in adapter_parameters(model))
    assert Costs(backbone).params(configuration) == sum(p.numel() for p in adapter_parameters(model).values())
    name = backbone.anatomy.module(0, "q")
    layer = model.get_submodule(name)
    layer.base_layer.weight.requires_grad_(True)
    model(**batch).loss.backward()
    before_step(model)
    a, full = layer.lora_A["default"].weight, layer.base_layer.weight.grad
    # What a step along B's gradient does to s B A, against the full gradient within the rows of A (section 3.2).
    found = layer.scaling["default"] * layer.lora_B["default"].weight.grad @ a
    assert torch.allclose(found, full @ torch.linalg.pinv(a) @ a, atol=1e-6)
    with pytest.raises(ConfigurationError, match="nothing would train"):
        build(backbone, {"lora": {"rank": 4, "init": "mica", "optimizer": "lora_fa"}})


@pytest.mark.parametrize("selector", ["random", "magnitude", "gradient"])
def test_sparse_changes_exactly_the_promised_scalars(tiny, selector) -> None:
    backbone = tiny("bert")
    batch = tiny_batch(backbone)
    plain = fresh(backbone)
    knobs = {"density": {"0": 0.01, "1-2": 0.03}, "selector": selector, "targets": ["q", "down"]}
    model, configuration = build(backbone, {"sparse": knobs}, batches=[batch])
    promised = {
        backbone.anatomy.module(layer, role): max(1, int((0.01 if layer == 0 else 0.03) * size))
        for layer in range(3)
        for role, size in (("q", 32 * 32), ("down", 32 * 64))
    }
    optimiser = train(model, batch, 3, weight_decay=0.1)
    state = sum(v.numel() for each in optimiser.state.values() for k, v in each.items() if k != "step")
    assert state == 2 * sum(promised.values()) == 2 * Costs(backbone).params(configuration)
    for inserted in applied(model).inserted:
        inserted.tuner.merge_adapter()
    for name, count in promised.items():
        weight = model.get_submodule(name).base_layer.weight
        assert int((weight != plain.get_submodule(name).weight).sum()) == count
    others = {name for name, _ in plain.named_parameters()} - {f"{name}.weight" for name in promised}
    now = {name.replace(".base_layer", ""): parameter for name, parameter in model.named_parameters()}
    assert all(torch.equal(now[name], dict(plain.named_parameters())[name]) for name in others)


def test_sparse_by_gradient_takes_the_largest(tiny) -> None:
    backbone = tiny("llama")
    batch = tiny_batch(backbone)
    name = backbone.anatomy.module(1, "v")
    scores = gathered(fresh(backbone), [name], [batch, batch])[name].flatten()
    knobs = {"count": 7, "selector": "gradient", "targets": ["v"], "layers": [1]}
    model, _ = build(backbone, {"sparse": knobs}, batches=[batch, batch])
    chosen = model.get_submodule(name).supertuning_indices["default"].long()
    assert set(chosen.tolist()) == set(scores.topk(7).indices.tolist())
    with pytest.raises(ConfigurationError, match="2000 scalars of a matrix that has 512"):
        build(backbone, {"sparse": {**knobs, "count": 2000}}, batches=[batch])


@pytest.mark.parametrize("modules", [{"lora": {"rank": 4, "dropout": 0.5}}, {"pvera": {"rank": 8}}])
def test_what_adapters_draw_they_draw_in_training_only(tiny, modules) -> None:
    backbone = tiny("bert")
    batch = {key: value for key, value in tiny_batch(backbone).items() if key != "labels"}
    model, _ = build(backbone, modules)
    randomise(model)
    model.eval()
    still = [model(**batch).logits for _ in range(2)]
    switch_training(model, True)
    drawn = [model(**batch).logits for _ in range(2)]
    switch_training(model, False)
    assert torch.equal(*still)
    assert not torch.equal(*drawn)
    assert torch.equal(model(**batch).logits, still[0])
    assert not any(module.training for module in model.modules())


def test_parts_of_one_method_have_a_folder_each(tiny, tmp_path) -> None:
    backbone = tiny("bert")
    model, configuration = build(backbone, {"hra": {"rank": {"0": 2, "1-2": 4}}})
    randomise(model)
    save(model, tmp_path)
    assert sorted(path.parent.name for path in tmp_path.glob("*/adapter_config.json")) == ["hra-1", "hra-2"]
    twin = fresh(backbone)
    load(tmp_path, twin, backbone.anatomy)
    assert torch.equal(logits(twin, tiny_batch(backbone)), logits(model, tiny_batch(backbone)))
    assert np.isclose(
        sum(p.numel() for p in trainable(twin).values()), sum(p.numel() for p in trainable(model).values())
    )
    assert Costs(backbone).params(configuration) == sum(p.numel() for p in adapter_parameters(model).values())


@pytest.mark.parametrize("init", ["pissa", "olora", "eva", "corda", "lora_ga"])
def test_a_start_with_fewer_directions_than_ranks_is_refused_before_it_is_built(tiny, init) -> None:
    backbone = tiny("llama")
    too_much = {"lora": {"rank": 17, "init": init, "targets": ["v"]}}
    configuration = canonical({"modules": too_much}, VOCABULARY, backbone.shape)
    with pytest.raises(ConfigurationError, match="16 directions here, found rank 17"):
        Costs(backbone).params(configuration)
    with pytest.raises(ConfigurationError, match="16 directions here, found rank 17"):
        build(backbone, too_much)
    fits = canonical({"modules": {"lora": {**too_much["lora"], "init": "default"}}}, VOCABULARY, backbone.shape)
    assert Costs(backbone).params(fits) == 3 * 17 * (32 + 16)
