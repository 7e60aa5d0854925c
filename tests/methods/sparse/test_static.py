"""Sparse changes chosen once, against dense training with masked gradients."""

import pytest
import torch
from peft import PeftModel

from autopeft.costs import Costs
from autopeft.methods import save
from autopeft.methods.sparse.choosing import best, best_of_all
from autopeft.methods.sparse.delta import changed_linear
from autopeft.methods.sparse.low_rank import residual, smoothed
from autopeft.testing.methods import logits
from autopeft.testing.models import tiny_batch
from tests.methods.sparse.twins import mask, masked_twin, sparse_layers
from tests.methods.stepping import build, fresh, train

ROLES = ["q", "down"]


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize("density", [0.01, 0.2])
def test_static_sparse_is_dense_adamw_with_masked_gradients(tiny, density, weight_decay) -> None:
    backbone = tiny("llama")
    batch = tiny_batch(backbone)
    knobs = {"density": density, "selector": "random", "targets": ROLES}
    model, _ = build(backbone, {"sparse": knobs})
    layers = sparse_layers(model)
    train(model, batch, 20, rate=0.01, weight_decay=weight_decay)
    masks = {name: mask(layer) for name, layer in layers.items()}
    twin = masked_twin(backbone, masks, batch, 20, 0.01, weight_decay)
    for name, layer in layers.items():
        torch.testing.assert_close(layer.weight_now, twin.get_submodule(name).weight, atol=2e-5, rtol=1e-4)
        assert torch.equal(layer.weight_now[~masks[name]], fresh(backbone).get_submodule(name).weight[~masks[name]])


@pytest.mark.parametrize("density", [0.001, 0.01])
@pytest.mark.parametrize("autocast", [False, True])
def test_gradients_read_off_single_products_are_those_of_the_dense_one(tiny, autocast, density) -> None:
    backbone = tiny("bert")
    batch = tiny_batch(backbone)
    model, _ = build(backbone, {"sparse": {"density": density, "selector": "random", "targets": ROLES}})
    layers = sparse_layers(model)
    found = []
    for watched in (None, lambda gradient, weight: None):
        for layer in layers.values():
            layer.watch = watched
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            loss = model(**batch).loss
        loss.backward()
        found.append([layer.values.grad.clone() for layer in layers.values()])
        model.zero_grad()
    for few, dense in zip(*found, strict=True):
        torch.testing.assert_close(few, dense, rtol=0.02 if autocast else 1e-4, atol=1e-3 if autocast else 1e-6)


@pytest.mark.parametrize(("count", "kept"), [(0, 0), (3, 3), (40, 64)])
def test_of_inputs_only_what_is_read_is_kept_where_that_is_little(count, kept) -> None:
    inputs, weight = torch.randn(2, 5, 64, requires_grad=True), torch.randn(50, 64)
    positions = torch.arange(count) * 65
    values = torch.zeros(count, requires_grad=True)
    seen = []
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: seen.append(tensor) or tensor, lambda tensor: tensor):
        changed_linear(inputs, weight, None, values, positions).square().sum().backward()
    assert [tensor.shape for tensor in seen if tensor.dim() == 3 and tensor.shape[-1] != 50] == [(2, 5, kept)]
    expected = 2 * ((inputs @ weight.T).flatten(0, 1).T @ inputs.flatten(0, 1)).flatten()[positions]
    torch.testing.assert_close(values.grad, expected, rtol=1e-4, atol=1e-4)


def test_a_global_scope_spends_the_same_number_where_it_counts(tiny) -> None:
    backbone = tiny("bert")
    batch = tiny_batch(backbone)
    knobs = {"density": 0.02, "selector": "magnitude", "scope": "global", "targets": ROLES}
    plain = fresh(backbone)
    model, _ = build(backbone, {"sparse": knobs})
    layers = sparse_layers(model)
    total = sum(int(0.02 * layer.get_base_layer().weight.numel()) for layer in layers.values())
    counts = {name: len(layer.values) for name, layer in layers.items()}
    assert sum(counts.values()) == total
    every = torch.cat([plain.get_submodule(name).weight.flatten().abs() for name in layers])
    least = every.topk(total).values[-1]
    for name, layer in layers.items():
        assert torch.equal(mask(layer), plain.get_submodule(name).weight.abs() >= least)
    train(model, batch, 2)


def test_the_best_are_as_many_as_asked_whatever_ties_there_are() -> None:
    scores = torch.tensor([1.0, 2.0, 2.0, torch.nan, 2.0, 0.0])
    assert best(scores, 2).tolist() == [1, 2]
    assert best(scores, 4).tolist() == [0, 1, 2, 4]
    assert best(scores, 9).tolist() == [0, 1, 2, 3, 4, 5]
    assert best(scores, 0).tolist() == []
    assert best(torch.zeros(5), 3).tolist() == [0, 1, 2]
    found = best_of_all({"a": torch.tensor([0.0, 1.0]), "b": torch.tensor([[1.0, 3.0]])}, 2)
    assert {name: chosen.tolist() for name, chosen in found.items()} == {"a": [1], "b": [1]}


def test_a_smoothed_matrix_is_the_truncated_svd() -> None:
    torch.manual_seed(0)
    for shape in ((12, 30), (30, 12)):
        weight = torch.randn(shape)
        u, s, v = torch.linalg.svd(weight, full_matrices=False)
        torch.testing.assert_close(smoothed(weight, 4), u[:, :4] @ torch.diag(s[:4]) @ v[:4], atol=1e-5, rtol=1e-4)
        assert torch.equal(smoothed(weight, 12), weight)


def test_the_residual_is_what_a_low_rank_leaves_above_a_threshold() -> None:
    torch.manual_seed(0)
    weight = 0.1 * torch.randn(40, 60)
    left = residual(weight, torch.Generator().manual_seed(0))
    found = left[left != 0].abs()
    assert found.min() > 0.01
    assert 0.01 < len(found) / weight.numel() < 0.9
    rest = torch.linalg.svdvals(weight - left)
    # Beyond the rank of the approximation only what is below the threshold is left.
    assert rest[26] <= 0.01 * weight.numel() ** 0.5
    assert rest[26] < 0.2 * rest[0]


def test_beside_weights_in_half_precision_small_changes_still_count(tiny) -> None:
    backbone = tiny("llama")
    batch = tiny_batch(backbone)
    model, _ = build(backbone, {"sparse": {"density": 0.5, "selector": "random", "targets": ROLES}})
    before = logits(model, batch)
    for layer in sparse_layers(model).values():
        layer.base_layer.to(torch.bfloat16)
        layer.values.data.fill_(1e-6)
    half = logits(model, batch)
    for layer in sparse_layers(model).values():
        layer.values.data.fill_(0.0)
    assert not torch.equal(half, logits(model, batch))
    torch.testing.assert_close(half, before, atol=0.05, rtol=0.05)


@pytest.mark.parametrize("name", ["sparse", "id3", "lift", "sft_ag"])
def test_all_of_many_matrices_are_seen(tiny, name) -> None:
    # Of twenty names and more, PEFT keeps endings.
    backbone = tiny("bert", layers=4)
    batch = tiny_batch(backbone)
    knobs = {"rank": 1} if name == "lift" else {"density": 0.05}
    model, configuration = build(backbone, {name: knobs}, batches=[batch])
    assert len(sparse_layers(model)) == 24
    train(model, batch, 2)
    assert sum(len(layer.values) for layer in sparse_layers(model).values()) == Costs(backbone).params(configuration)


@pytest.mark.parametrize("modules", [{"sparse": {"density": 1.0}}, {"lift": {"rank": 500}}, {"id3": {"density": 1.0}}])
def test_all_weights_are_stored_too(tiny, modules, tmp_path) -> None:
    backbone = tiny("bert")
    batch = tiny_batch(backbone)
    model, _ = build(backbone, modules, batches=[batch])
    train(model, batch, 2)
    expected = logits(model, batch)
    save(model, tmp_path)
    assert torch.equal(logits(PeftModel.from_pretrained(fresh(backbone), str(tmp_path)), batch), expected)


def test_stored_under_another_name_or_beside_another_it_loads(tiny, tmp_path) -> None:
    backbone = tiny("bert")
    batch = tiny_batch(backbone)
    knobs = {"density": 0.001, "selector": "magnitude", "scope": "global"}
    model, _ = build(backbone, {"sparse": knobs})
    assert any(len(layer.values) == 0 for layer in sparse_layers(model).values())
    train(model, batch, 2)
    expected = logits(model, batch)
    save(model, tmp_path)
    other = PeftModel.from_pretrained(fresh(backbone), str(tmp_path), adapter_name="mine")
    assert torch.equal(logits(other, batch), expected)
    other.load_adapter(str(tmp_path), "second")
    other.set_adapter("second")
    assert torch.equal(logits(other, batch), expected)
