"""ID3: what opens, when, and that it stays open."""

from itertools import pairwise

import pytest
import torch

from autopeft.costs import Costs
from autopeft.methods import Moment, optimiser_groups
from autopeft.methods.optimiser import AdapterAdamW
from autopeft.methods.sparse.choosing import best_of_all
from autopeft.methods.sparse.id3 import _Candidates, _Ranking, _Shortlist
from autopeft.testing.models import tiny_batch
from tests.methods.sparse.twins import mask, sparse_layers
from tests.methods.stepping import build, fresh, train


def opened(model):
    return {name: mask(layer) for name, layer in sparse_layers(model).items()}


@pytest.mark.parametrize("count", [0.05, 0.0009])
def test_each_step_opens_its_quota_and_nothing_closes(tiny, count) -> None:
    backbone = tiny("bert")
    batch = tiny_batch(backbone)
    model, configuration = build(backbone, {"id3": {"density": count, "targets": ["q", "up"]}})
    total, steps, history = Costs(backbone).params(configuration), 7, [opened(model)]
    train(model, batch, steps, each=lambda step, _: history.append(opened(model)))
    even, more = divmod(total, steps)
    for step, (before, after) in enumerate(pairwise(history), 1):
        assert all(bool((after[name] | ~before[name]).all()) for name in after)
        grown = sum(int(after[name].sum() - before[name].sum()) for name in after)
        assert grown == even + (step <= more)
    changed = {
        name: layer.weight_now != fresh(backbone).get_submodule(name).weight
        for name, layer in sparse_layers(model).items()
    }
    assert sum(int(each.sum()) for each in changed.values()) == total


def test_the_first_step_opens_the_largest_scores_of_all_matrices_and_moves_them(tiny) -> None:
    backbone = tiny("llama")
    batch = tiny_batch(backbone)
    power, eps = 1.0, 0.01
    knobs = {"density": 0.02, "power": power, "eps": eps, "targets": ["q", "down"]}
    model, configuration = build(backbone, {"id3": knobs})
    plain = fresh(backbone)
    plain.eval()
    plain(**batch).loss.backward()
    scores = {
        name: plain.get_submodule(name).weight.grad.abs() / (plain.get_submodule(name).weight.abs() + eps) ** power
        for name in sparse_layers(model)
    }
    quota = -(-Costs(backbone).params(configuration) // 5)
    least = torch.cat([each.flatten() for each in scores.values()]).topk(quota).values[-1]
    train(model, batch, 1, of=5, rate=0.01)
    for name, layer in sparse_layers(model).items():
        assert torch.equal(mask(layer), scores[name] >= least)
        # Adam's first step is one learning rate.
        assert torch.allclose(layer.values.detach().abs(), torch.full_like(layer.values, 0.01), rtol=1e-3)


@pytest.mark.parametrize("aged", [False, True])
def test_a_late_newcomer_moves_by_more_than_a_learning_rate_unless_it_has_an_age_of_its_own(tiny, aged) -> None:
    backbone = tiny("bert")
    model, _ = build(backbone, {"id3": {"density": 0.02, "aged": aged, "targets": ["q"], "layers": [0]}})
    (layer,) = sparse_layers(model).values()
    optimiser = AdapterAdamW([{**group, "lr": 0.01} for group in optimiser_groups(model)], weight_decay=0.0)
    method = model._autopeft.inserted[0]
    steps = 2 * 20
    for step in range(1, steps + 1):
        moment = Moment(step, steps, optimiser)
        method.part.method.before_backward(method.tuner, method.part.cells, moment)
        if layer.watch is not None:
            layer.watch(torch.ones_like(layer.get_base_layer().weight), layer.weight_now)
        layer.values.grad = torch.ones_like(layer.values)
        method.part.method.after_backward(method.tuner, method.part.cells, moment)
        before = len(layer.values)
        optimiser.step()
        if step == 20:
            # Gradients are alike everywhere: ties go to what comes first, and none is opened twice.
            assert layer.positions.tolist() == list(range(before))
            newest = layer.values.detach().abs()[-1] / 0.01
    # .1 g / sqrt(.001 g^2), corrected for twenty steps instead of one.
    expected = (0.1 / (1 - 0.9**20)) / (0.001 / (1 - 0.999**20)) ** 0.5
    assert newest == pytest.approx(1.0 if aged else expected, rel=1e-3)
    assert expected < 0.9


def test_a_batch_in_parts_ranks_what_its_parts_had_together(tiny) -> None:
    backbone = tiny("bert")
    model, _ = build(backbone, {"id3": {"density": 0.02, "targets": ["q"], "layers": [0]}})
    (layer,) = sparse_layers(model).values()
    kept = _Candidates()
    ranking = _Ranking(layer, kept, _Shortlist(2), power=0.0, eps=1.0)
    weight = layer.weight_now
    for first, second in ((3.0, 0.0), (-2.0, 4.0)):
        gradient = torch.zeros_like(weight)
        gradient.view(-1)[0], gradient.view(-1)[5] = first, second
        ranking(gradient, weight)
    found = dict(zip(kept.positions.tolist(), kept.gradients.tolist(), strict=True))
    assert found[0] == 1.0
    assert found[5] == 4.0


@pytest.mark.parametrize("levels", [2, 1000])
def test_a_shortlist_holds_the_best_of_all_matrices_whatever_ties_there_are(levels) -> None:
    torch.manual_seed(0)
    matrices = {str(number): torch.randint(levels, (200 + number,)).float() for number in range(5)}
    matrices["1"][3] = torch.nan
    shortlist = _Shortlist(40)
    found = {name: shortlist.of(scores, 1) for name, scores in matrices.items()}
    held = {
        name: torch.full_like(scores, -1.0).index_copy(0, found[name], scores[found[name]])
        for name, scores in matrices.items()
    }
    expected = best_of_all(matrices, 40)
    assert {name: each.tolist() for name, each in best_of_all(held, 40).items()} == {
        name: each.tolist() for name, each in expected.items()
    }
    # Another part of the batch begins anew.
    assert shortlist.of(torch.full((50,), -5.0), 2).tolist() == list(range(40))
