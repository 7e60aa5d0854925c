"""LIFT: which weights, when they are chosen anew, and what becomes of the others."""

import torch

from autopeft.costs import Costs
from autopeft.methods import load, save
from autopeft.methods.builder import applied
from autopeft.testing.methods import logits
from autopeft.testing.models import tiny_batch
from tests.methods.sparse.twins import mask, sparse_layers
from tests.methods.stepping import build, fresh, train

KNOBS = {"rank": 2, "approximation": 3, "targets": ["q", "up"]}


def test_it_trains_as_many_scalars_as_lora_and_at_full_rank_the_largest(tiny) -> None:
    backbone = tiny("bert")
    model, configuration = build(backbone, {"lift": {**KNOBS, "approximation": 64}})
    _, lora = build(backbone, {"lora": {"rank": 2, "targets": ["q", "up"]}})
    assert Costs(backbone).params(configuration) == Costs(backbone).params(lora)
    for name, layer in sparse_layers(model).items():
        weight = fresh(backbone).get_submodule(name).weight
        assert len(layer.values) == 2 * sum(weight.shape)
        assert torch.equal(mask(layer), weight.abs() >= weight.abs().flatten().topk(len(layer.values)).values[-1])


def test_no_more_scalars_than_there_are(tiny) -> None:
    backbone = tiny("bert")
    model, configuration = build(backbone, {"lift": {**KNOBS, "rank": 31}})
    sizes = [layer.get_base_layer().weight.numel() for layer in sparse_layers(model).values()]
    assert Costs(backbone).params(configuration) == sum(sizes)


def test_it_chooses_anew_before_every_rth_step_and_keeps_what_the_overlap_remembers(tiny) -> None:
    backbone = tiny("llama")
    batch = tiny_batch(backbone)
    model, _ = build(backbone, {"lift": {**KNOBS, "every": 4}})
    layers, history, seen = sparse_layers(model), [], []

    def note(step, optimiser) -> None:
        history.append({name: set(layer.positions.tolist()) for name, layer in layers.items()})
        seen.append(
            {
                name: dict(
                    zip(layer.positions.tolist(), optimiser.state[layer.values]["exp_avg"].tolist(), strict=True)
                )
                for name, layer in layers.items()
            }
        )

    optimiser = train(model, batch, 8, rate=0.2, each=note)
    assert history[0] == history[1]
    assert history[2] != history[1]
    assert history[2] == history[5]
    assert history[6] != history[5]
    for name in layers:
        stays = history[1][name] & history[2][name]
        new = history[2][name] - history[1][name]
        assert stays
        assert new
        assert all(seen[2][name][at] == 0.0 for at in new)
        assert any(seen[2][name][at] != 0.0 for at in stays)
    state = sum(v.numel() for each in optimiser.state.values() for k, v in each.items() if k != "step")
    assert state == 2 * sum(len(layer.values) for layer in layers.values())
    for name, layer in layers.items():
        changed = (layer.weight_now != fresh(backbone).get_submodule(name).weight).flatten().nonzero().flatten()
        assert set(changed.tolist()) <= set.union(*(each[name] for each in history))
        assert not set(changed.tolist()) <= history[-1][name]


def test_what_has_settled_is_stored_merged_and_read_again(tiny, tmp_path) -> None:
    backbone = tiny("bert")
    batch = tiny_batch(backbone)
    model, _ = build(backbone, {"lift": {**KNOBS, "every": 2}})
    train(model, batch, 6, rate=0.2)
    assert any(len(layer.settled[0]) for layer in sparse_layers(model).values())
    expected = logits(model, batch)
    save(model, tmp_path)
    twin = fresh(backbone)
    load(tmp_path, twin, backbone.anatomy)
    assert torch.allclose(logits(twin, batch), expected, atol=1e-6)
    (inserted,) = applied(model).inserted
    assert torch.allclose(logits(inserted.tuner.merge_and_unload(), batch), expected, atol=1e-6)
