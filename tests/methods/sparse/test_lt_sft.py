"""LT-SFT: what is chosen after the dense training, and what is put back."""

import pytest
import torch

from autopeft.costs import Costs
from autopeft.methods import remove
from autopeft.methods.sparse import lt_sft
from autopeft.testing.models import tiny_batch
from tests.methods.sparse.twins import mask, masked_twin, sparse_layers
from tests.methods.stepping import build, fresh, rehearsed, train

ROLES = ["q", "down"]


def dense(backbone, names, batch, steps, rate):
    """Return how far full fine-tuning of the matrices moves each weight."""
    everything = {name: torch.ones_like(fresh(backbone).get_submodule(name).weight, dtype=torch.bool) for name in names}
    twin = masked_twin(backbone, everything, batch, steps, rate, 0.0)
    return {
        name: (twin.get_submodule(name).weight - fresh(backbone).get_submodule(name).weight).detach().abs()
        for name in names
    }


def test_it_chooses_what_full_fine_tuning_moves_most_and_puts_all_back(tiny) -> None:
    backbone = tiny("bert")
    batch = tiny_batch(backbone)
    model, configuration = build(backbone, {"lt_sft": {"density": 0.03, "targets": ROLES}})
    model.eval()
    before = {name: value.clone() for name, value in model.state_dict().items() if "supertuning" not in name}
    rehearsed(model, batch, 5, rate=0.01)
    layers = sparse_layers(model)
    total = Costs(backbone).params(configuration)
    assert sum(len(layer.values) for layer in layers.values()) == total
    moved = dense(backbone, layers, batch, 5, 0.01)
    least = torch.cat([each.flatten() for each in moved.values()]).topk(total).values[-1]
    for name, layer in layers.items():
        assert torch.equal(mask(layer), moved[name] >= least)
    now = model.state_dict()
    assert all(torch.equal(now[name], value) for name, value in before.items())
    train(model, batch, 3)
    changed = sum(
        int((layer.weight_now != fresh(backbone).get_submodule(name).weight).sum()) for name, layer in layers.items()
    )
    assert changed == total
    remove(model)
    assert all(torch.equal(value, fresh(backbone).state_dict()[name]) for name, value in model.state_dict().items())


def test_with_all_scalars_it_is_full_fine_tuning_of_the_matrices(tiny) -> None:
    backbone = tiny("llama")
    batch = tiny_batch(backbone)
    model, _ = build(backbone, {"lt_sft": {"density": 1.0, "targets": ROLES}})
    model.eval()
    rehearsed(model, batch, 3, rate=0.01)
    train(model, batch, 20, rate=0.01)
    layers = sparse_layers(model)
    everything = {
        name: torch.ones_like(layer.get_base_layer().weight, dtype=torch.bool) for name, layer in layers.items()
    }
    twin = masked_twin(backbone, everything, batch, 20, 0.01, 0.0)
    for name, layer in layers.items():
        torch.testing.assert_close(layer.weight_now, twin.get_submodule(name).weight, atol=2e-5, rtol=1e-4)


def test_two_iterations_choose_half_each_and_keep_the_first(tiny, monkeypatch) -> None:
    backbone = tiny("bert")
    batch = tiny_batch(backbone)
    model, configuration = build(backbone, {"lt_sft": {"density": 0.03, "iterations": 2, "targets": ROLES}})
    model.eval()
    chosen, real = [], lt_sft.best_of_all

    def choose(scores, count):
        found = real(scores, count)
        chosen.append((count, {name: set(positions.tolist()) for name, positions in found.items()}))
        return found

    monkeypatch.setattr(lt_sft, "best_of_all", choose)
    rehearsed(model, batch, 4, rate=0.01)
    total = Costs(backbone).params(configuration)
    assert [count for count, _ in chosen] == [total // 2, total - total // 2]
    for name, layer in sparse_layers(model).items():
        first, second = (found[name] for _, found in chosen)
        assert not first & second
        assert set(layer.positions.tolist()) == first | second
        # The second iteration begins where the first has ended.
        at_first = [
            value for value, at in zip(layer.values.tolist(), layer.positions.tolist(), strict=True) if at in first
        ]
        assert all(value != 0 for value in at_first)


def test_when_few_have_moved_no_more_open(tiny) -> None:
    backbone = tiny("bert")
    batch = tiny_batch(backbone)
    model, configuration = build(backbone, {"lt_sft": {"density": 0.5, "dense": 0.01, "targets": ROLES}})
    model.eval()
    # No step at all: nothing moves.
    rehearsed(model, batch, 1)
    assert sum(len(layer.values) for layer in sparse_layers(model).values()) == Costs(backbone).params(configuration)


@pytest.mark.parametrize("weight", [0.0, 100.0])
def test_the_penalty_pulls_changes_back_in_both_trainings(tiny, weight) -> None:
    backbone = tiny("bert")
    batch = tiny_batch(backbone)
    model, _ = build(backbone, {"lt_sft": {"density": 0.05, "l1": weight, "targets": ROLES}})
    model.eval()
    rehearsed(model, batch, 4, rate=0.01)
    train(model, batch, 4, rate=0.01)
    size = sum(float(layer.values.detach().abs().sum()) for layer in sparse_layers(model).values())
    plain, _ = build(backbone, {"lt_sft": {"density": 0.05, "targets": ROLES}})
    plain.eval()
    rehearsed(plain, batch, 4, rate=0.01)
    train(plain, batch, 4, rate=0.01)
    free = sum(float(layer.values.detach().abs().sum()) for layer in sparse_layers(plain).values())
    assert size < 0.9 * free if weight else size == free


def test_changes_of_two_trainings_add_up_in_either_order_and_can_be_taken_back(tiny) -> None:
    backbone = tiny("bert")
    batch, trained = tiny_batch(backbone), []
    for labels in (batch["labels"], 1 - batch["labels"]):
        model, _ = build(backbone, {"lt_sft": {"density": 0.03, "targets": ROLES}})
        rehearsed(model, {**batch, "labels": labels}, 3, rate=0.01)
        train(model, {**batch, "labels": labels}, 3)
        layers = sparse_layers(model)
        trained.append({name: (layer.positions, layer.values.detach()) for name, layer in layers.items()})
    sums = []
    for order in (trained, trained[::-1]):
        model, _ = build(backbone, {"lt_sft": {"density": 0.03, "targets": ROLES}})
        for name, layer in sparse_layers(model).items():
            for changes in order:
                layer.place(*changes[name])
                layer.merge()
                layer.merged_adapters.clear()
            sums.append(layer.get_base_layer().weight.detach().clone())
            for changes in order:
                layer.place(*changes[name])
                layer.merged_adapters.append("default")
                layer.unmerge()
            torch.testing.assert_close(layer.get_base_layer().weight, fresh(backbone).get_submodule(name).weight)
    half = len(sums) // 2
    for one, other in zip(sums[:half], sums[half:], strict=True):
        torch.testing.assert_close(one, other)
