"""SFT: how much is replaced when, and with what the optimiser begins there."""

import pytest
import torch

from autopeft.costs import Costs
from autopeft.methods.sparse.sft import _Window
from autopeft.testing.models import tiny_batch
from tests.methods.sparse.twins import mask, masked_twin, sparse_layers
from tests.methods.stepping import build, fresh, train

ROLES = ["q", "down"]


def watched(model, batch, steps, rate=0.02):
    layers, history = sparse_layers(model), []
    history.append({name: layer.positions for name, layer in layers.items()})
    optimiser = train(
        model,
        batch,
        steps,
        rate=rate,
        each=lambda step, _: history.append({name: layer.positions for name, layer in layers.items()}),
    )
    return history, optimiser


def replaced(before, after):
    return int((~torch.isin(after, before)).sum())


@pytest.mark.parametrize("name", ["sft_ag", "sft_ma"])
@pytest.mark.parametrize("policy", ["linear", "cosine"])
def test_how_much_is_replaced_and_when(tiny, name, policy) -> None:
    backbone = tiny("llama")
    batch = tiny_batch(backbone)
    accumulate = {"accumulate": 2} if name == "sft_ag" else {}
    knobs = {"density": 0.1, "every": 5, "share": 0.4, "policy": policy, "targets": ROLES, **accumulate}
    model, configuration = build(backbone, {name: knobs})
    steps = 20
    history, optimiser = watched(model, batch, steps)
    due = {2, 7, 12, 17} if name == "sft_ag" else {5, 10, 15}
    for step in range(1, steps + 1):
        for layer, before in history[step - 1].items():
            after, k = history[step][layer], len(before)
            assert len(after) == k == len(after.unique())
            moved = replaced(before, after)
            if step not in due:
                assert moved == 0
                continue
            share = 0.4 * (
                1 - step / steps
                if policy == "linear"
                else (1 + torch.cos(torch.tensor(torch.pi * step / steps)).item()) / 2
            )
            if name == "sft_ag" and step == 2 and policy == "linear":
                assert moved > 0.5 * k
            elif name == "sft_ag":
                assert moved <= int(k * share)
            else:
                assert moved == int(k * share)
    layers = sparse_layers(model)
    for layer_name, layer in layers.items():
        changed = layer.weight_now != fresh(backbone).get_submodule(layer_name).weight
        assert int(changed.sum()) <= len(layer.values)
    assert sum(len(layer.values) for layer in layers.values()) == Costs(backbone).params(configuration)
    state = [value for each in optimiser.state.values() for key, value in each.items() if key not in ("age", "step")]
    if name == "sft_ag":
        assert sum(value.numel() for value in state) == 2 * Costs(backbone).params(configuration)
    else:
        assert sum(value.numel() for value in state) == sum(
            sum(layer.get_base_layer().weight.shape) for layer in layers.values()
        )


def test_what_grows_in_begins_at_the_averaged_gradient(tiny, monkeypatch) -> None:
    backbone = tiny("bert")
    batch = tiny_batch(backbone)
    model, _ = build(backbone, {"sft_ag": {"density": 0.05, "every": 4, "accumulate": 3, "targets": ROLES}})
    gradients: dict[int, list[torch.Tensor]] = {}
    look = _Window.__call__

    def recorded(self, gradient, weight):
        gradients.setdefault(id(self._layer), []).append(gradient.flatten().clone())
        look(self, gradient, weight)

    monkeypatch.setattr(_Window, "__call__", recorded)
    optimiser = train(model, batch, 3, of=40)
    for layer in sparse_layers(model).values():
        state, seen = optimiser.state[layer.values], torch.stack(gradients[id(layer)])
        assert len(seen) == 3
        new = layer.values.detach() == 0
        assert new.any()
        assert (state["age"] == 3).all()
        at = seen[:, layer.positions[new]]
        torch.testing.assert_close((state["exp_avg"] / (1 - 0.9**3))[new], at.mean(0))
        torch.testing.assert_close((state["exp_avg_sq"] / (1 - 0.999**3))[new], at.square().mean(0))
        # What grows in is the best of the shortlist of the first gradient, by what adds up.
        shortlist = seen[0].abs().topk(len(layer.values)).indices
        assert torch.isin(layer.positions[new], shortlist).all()


def test_with_nothing_replaced_it_is_the_static_case(tiny) -> None:
    backbone = tiny("bert")
    batch = tiny_batch(backbone)
    knobs = {"density": 0.05, "every": 4, "share": 0.0, "policy": "cosine", "targets": ROLES}
    model, _ = build(backbone, {"sft_ag": knobs})
    layers = sparse_layers(model)
    train(model, batch, 12, rate=0.01)
    twin = masked_twin(backbone, {name: mask(layer) for name, layer in layers.items()}, batch, 12, 0.01, 0.0)
    for name, layer in layers.items():
        torch.testing.assert_close(layer.weight_now, twin.get_submodule(name).weight, atol=2e-5, rtol=1e-4)


def test_what_drops_out_goes_back(tiny) -> None:
    backbone = tiny("bert")
    batch = tiny_batch(backbone)
    model, _ = build(backbone, {"sft_ma": {"density": 0.05, "every": 3, "share": 0.5, "targets": ROLES}})
    history, _ = watched(model, batch, 7)
    for name, layer in sparse_layers(model).items():
        weight = fresh(backbone).get_submodule(name).weight
        gone = history[0][name][~torch.isin(history[0][name], layer.positions)]
        assert len(gone)
        assert torch.equal(layer.weight_now.flatten()[gone], weight.flatten()[gone])


def test_the_last_step_replaces_nothing(tiny) -> None:
    backbone = tiny("bert")
    batch = tiny_batch(backbone)
    model, _ = build(backbone, {"sft_ag": {"density": 0.02, "targets": ROLES}})
    train(model, batch, 5)
    assert all((layer.values != 0).all() for layer in sparse_layers(model).values())


def test_moments_of_rows_stay_where_a_matrix_has_as_many_scalars_as_rows(tiny) -> None:
    backbone = tiny("bert")
    batch = tiny_batch(backbone)
    knobs = {"density": 32.5 / 1024, "every": 2, "share": 1.0, "targets": ["q"], "layers": [0]}
    model, _ = build(backbone, {"sft_ma": knobs})
    (layer,) = sparse_layers(model).values()
    assert len(layer.values) == 32
    before = {}

    def note(step, optimiser) -> None:
        if step == 1:
            before.update({name: value.clone() for name, value in optimiser.state[layer.values].items()})

    optimiser = train(model, batch, 2, of=40, each=note)
    after = optimiser.state[layer.values]
    # Second moments only grow: nothing was permuted or emptied.
    assert all((after[name] >= before[name] - 1e-12).all() for name in ("rows", "columns"))
    assert all(bool((after[name] > 0).any()) for name in ("rows", "columns"))
