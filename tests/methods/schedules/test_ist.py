"""IST: which layers move, how scores move, and what is suppressed."""

from collections import Counter

import pytest
import torch

from autopeft.methods import Moment
from autopeft.methods.builder import tuner_layers
from autopeft.methods.schedules.ist import _candidates, _share
from autopeft.methods.schedules.suppressing import suppressed
from autopeft.testing.methods import logits, randomise
from autopeft.testing.models import tiny_batch
from tests.methods.stepping import build, train

LORA = {"lora": {"rank": 2, "targets": ["q", "v", "up"]}}


@pytest.mark.parametrize(("layers", "active"), [(3, 1), (4, 1), (8, 2), (9, 2)])
def test_exactly_so_many_layers_move_in_a_step_and_others_in_the_next(scheduled, moved, layers, active) -> None:
    backbone, model, running = scheduled("ist", LORA, layers=layers)
    found, _ = moved(model, running, tiny_batch(backbone), 8)
    # In the first step A has no gradient, for B is 0.
    drawn = [frozenset(place.layer for place in places) for places, _ in found]
    assert {len(each) for each in drawn} == {active}
    assert len(set(drawn)) > 1


def test_all_layers_are_plain_lora(scheduled, tiny) -> None:
    backbone, model, _ = scheduled("ist", LORA, knobs={"active": 1.0})
    batch = tiny_batch(backbone)
    train(model, batch, 12, rate=0.01)
    plain, _ = build(tiny("bert"), LORA)
    train(plain, batch, 12, rate=0.01)
    assert torch.equal(logits(model, batch), logits(plain, batch))


def moment(step, losses):
    """Return a step at which measured losses are these in turn."""
    given = iter(losses)
    return Moment(step, 100, None, sample=lambda count: lambda: next(given))


def test_only_scores_of_suppressed_layers_move_and_up_where_the_loss_stays_small(scheduled) -> None:
    _, _, running = scheduled("ist", LORA, layers=8, knobs={"candidates": 2, "suppressed": 0.25})
    generator = torch.Generator()
    generator.set_state(running.generator.get_state())
    sets = _candidates(torch.zeros(8), running.knobs, generator)
    running.schedule.draw(running, moment(11, (0.0, 2.0)))
    scores = running.kept["scores"]
    rewards = torch.exp(torch.tensor([0.0, -2.0], dtype=torch.float64))
    expected = torch.zeros(8, dtype=torch.float64)
    for some, reward in zip(sets, rewards, strict=True):
        share = torch.sigmoid(expected[some])
        expected[some] += 10 * (reward - rewards.mean()) * share * (1 - share)
    assert torch.equal(scores, expected)
    assert {index for index, score in enumerate(scores) if score} <= {index for some in sets for index in some}


@pytest.mark.parametrize("step", [1, 2, 10, 12])
def test_scores_move_every_ten_steps_and_not_before_the_first(scheduled, step) -> None:
    _, _, running = scheduled("ist", LORA)
    running.schedule.draw(running, moment(step, ()))
    assert not running.kept["scores"].any()


@pytest.mark.parametrize("knobs", [{"rate": 0}, {"draws": "uniform"}])
def test_where_no_score_moves_all_layers_are_drawn_alike(scheduled, knobs) -> None:
    backbone, model, running = scheduled("ist", LORA, layers=4, knobs=knobs)
    train(model, tiny_batch(backbone), 30)
    assert not running.kept["scores"].any()
    counts = Counter(place.layer for _ in range(2000) for place in set(running.schedule.draw(running, moment(2, ()))))
    # Three matrices of one layer of four each time; five standard errors.
    assert all(abs(count / 6000 - 0.25) < 5 * (0.25 * 0.75 / 2000) ** 0.5 for count in counts.values())


@pytest.mark.parametrize(("layers", "candidates", "expected"), [(8, 3, 3), (2, 3, 2), (1, 3, 1)])
def test_candidates_are_no_two_the_same(layers, candidates, expected) -> None:
    knobs = {"suppressed": 0.5, "candidates": candidates}
    found = _candidates(torch.zeros(layers), knobs, torch.Generator().manual_seed(0))
    assert len(found) == len(set(map(tuple, found))) == expected
    assert {len(each) for each in found} == {_share(0.5, layers)}


def test_a_layer_that_is_of_no_use_ends_least_important(scheduled) -> None:
    _, _, running = scheduled("ist", LORA, layers=6, knobs={"suppressed": 0.5, "beta": 0.0})
    useless = 2

    def sample(count):
        def loss():
            # Each other layer that is suppressed costs as much.
            off = {
                int(name.split(".layer.")[1].split(".")[0])
                for name, module in running.model.named_modules()
                if module._forward_hooks and ".layer." in name
            }
            return 0.5 * len(off - {useless})

        return loss

    for step in range(11, 1500, 10):
        running.schedule.draw(running, Moment(step, 2000, None, sample=sample))
    scores = running.kept["scores"]
    assert int(scores.argmax()) == useless


@pytest.mark.parametrize("factor", [0.0, 0.25, 1.0])
def test_what_is_suppressed_is_scaled_whatever_the_alphas_and_no_scale_is_touched(tiny, factor) -> None:
    backbone = tiny("bert")
    knobs = {"rank": {"0": 2, "1-2": 4}, "alpha": {"0": 4, "1-2": 1}, "targets": ["q", "v"]}
    model, _ = build(backbone, {"lora": knobs})
    randomise(model)
    batch = tiny_batch(backbone)
    plain = logits(model, batch)
    with suppressed(model, backbone.anatomy, [1], factor):
        found = logits(model, batch)
    assert torch.equal(logits(model, batch), plain)
    layers = list(tuner_layers(model))
    before = [dict(layer.scaling) for layer in layers]
    for name, module in model.named_modules():
        if module in layers and name.startswith(f"{backbone.anatomy.layer(1)}."):
            module.scaling["default"] *= factor
    torch.testing.assert_close(found, logits(model, batch), rtol=1e-5, atol=1e-6)
    assert before[0] == layers[0].scaling


@pytest.mark.parametrize("name", ["serial_adapter", "parallel_adapter", "prefix", "ia3", "full"])
def test_adapters_of_every_sort_can_be_suppressed(tiny, name) -> None:
    backbone = tiny("bert")
    knobs = {"serial_adapter": {"size": 4}, "parallel_adapter": {"size": 4}, "prefix": {"length": 2}}.get(name, {})
    model, _ = build(backbone, {name: knobs})
    randomise(model)
    batch = tiny_batch(backbone)
    whole = logits(model, batch)
    layers = range(backbone.anatomy.count)
    with suppressed(model, backbone.anatomy, layers, 1.0):
        torch.testing.assert_close(logits(model, batch), whole, rtol=1e-5, atol=1e-6)
    with suppressed(model, backbone.anatomy, layers, 0.0):
        none = logits(model, batch)
    inside = {id(module) for index in layers for module in model.get_submodule(backbone.anatomy.layer(index)).modules()}
    for layer in tuner_layers(model):
        if id(layer) in inside:
            layer.enable_adapters(False)
    torch.testing.assert_close(none, logits(model, batch), rtol=1e-5, atol=1e-6)
    assert not torch.allclose(none, whole)
