"""IncreLoRA: what grows when, what that leaves as it is, what it costs, and what is stored."""

import copy
import json
from itertools import pairwise

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from torch.optim.lr_scheduler import LambdaLR

from autopeft.costs import Costs
from autopeft.methods import (
    AdapterAdamW,
    Moment,
    adapter_parameters,
    after_backward,
    after_step,
    before_backward,
    load,
    optimiser_groups,
    penalty,
    save,
)
from autopeft.methods.builder import applied
from autopeft.methods.increlora.growing import BIRTH, RESERVED
from autopeft.methods.increlora.method import _growing
from autopeft.methods.increlora.pace import Pace
from autopeft.testing.methods import logits, randomise
from autopeft.testing.models import tiny_batch
from autopeft.training.state import read_state, write_state
from autopeft.trials.loop import schedule
from tests.methods.stepping import build, fresh, train

ALIKE, UNLIKE = ["q", "o"], ["q", "up"]


def growing(model):
    return {name: each for inserted in applied(model).inserted for name, each in _growing(inserted.tuner)}


def ranks(model):
    return {name: each.rank for name, each in growing(model).items()}


def size(model):
    return sum(parameter.numel() for parameter in adapter_parameters(model).values())


def update(each):
    """Return what is added to the frozen weight."""
    with torch.no_grad():
        down, up = each.folded()
        return up @ down * each.layer.scaling["default"]


@pytest.mark.parametrize("growth", ["repaired", "release"])
@pytest.mark.parametrize(
    ("knobs", "steps"),
    [
        ({"rank": 4, "targets": ALIKE}, 40),
        # 5 x 2 a round do not go into the 18 - 6 that are to come.
        ({"rank": 3, "reserves": 2, "top": 5, "targets": ALIKE}, 40),
        ({"rank": 4, "reserves": 3, "top": 1, "interval": 0.05, "targets": UNLIKE}, 40),
        ({"rank": 2, "reserves": 3, "targets": UNLIKE}, 7),
        ({"rank": 8, "targets": ["q"]}, 2),
    ],
)
def test_ranks_rise_step_by_step_and_nothing_passes_the_budget(tiny, knobs, steps, growth) -> None:
    backbone = tiny("bert")
    model, configuration = build(backbone, {"increlora": {**knobs, "growth": growth}})
    most = Costs(backbone).params(configuration)
    target, history = knobs["rank"] * len(growing(model)), [ranks(model)]
    assert set(history[0].values()) == {1}

    def note(step: int, optimiser) -> None:
        history.append(ranks(model))
        assert size(model) <= most
        used = sum(each.rank * each.size for each in growing(model).values())
        assert used <= sum(knobs["rank"] * each.size for each in growing(model).values())

    train(model, tiny_batch(backbone), steps, each=note)
    reserves, top = knobs.get("reserves", knobs["rank"] // 2), knobs.get("top", len(growing(model)))
    for before, after in pairwise(history):
        grown = [after[name] - before[name] for name in after]
        assert min(grown) >= 0
        assert max(grown) <= reserves
        assert sum(count > 0 for count in grown) <= top
        assert sum(after.values()) <= target
    assert sum(history[-1].values()) > sum(history[0].values())
    if steps > 2 and knobs["targets"] == ALIKE:
        assert sum(history[-1].values()) == target
        assert size(model) == most


def test_rounds_are_where_they_are_said_to_be_and_the_target_is_reached_in_time(tiny) -> None:
    backbone = tiny("bert")
    model, _ = build(backbone, {"increlora": {"rank": 4, "warmup": 0.1, "interval": 0.1, "targets": ALIKE}})
    totals = [sum(ranks(model).values())]
    train(model, tiny_batch(backbone), 50, each=lambda step, _: totals.append(sum(ranks(model).values())))
    rounds = [step for step, (before, after) in enumerate(pairwise(totals), 1) if after > before]
    # Of 24 ranks 18 are to come, two at a time: three, two, two and two matrices in four rounds.
    assert rounds == [5, 10, 15, 20]
    assert totals[-1] == 24


def test_many_matrices_grow_as_few_do(tiny, tmp_path) -> None:
    backbone = tiny("bert", layers=4)
    batch = tiny_batch(backbone)
    model, configuration = build(backbone, {"increlora": {"rank": 2}})
    assert len(growing(model)) == 24
    train(model, batch, 2)
    assert set(ranks(model).values()) == {2}
    assert size(model) == Costs(backbone).params(configuration)
    save(model, tmp_path)
    twin = fresh(backbone)
    load(tmp_path, twin, backbone.anatomy)
    assert torch.equal(logits(twin, batch), logits(model, batch))


def test_matrices_that_are_too_large_are_passed_over(tiny) -> None:
    backbone = tiny("bert")
    model, configuration = build(backbone, {"increlora": {"rank": 2, "reserves": 9, "targets": UNLIKE}})
    for name, each in growing(model).items():
        each.importance = each.uncertainty = torch.tensor(2.0 if "intermediate" in name else 1.0)
    [(part, tuner, _)] = applied(model).inserted
    moment = Moment(1, 3, AdapterAdamW(optimiser_groups(model)))
    part.method.after_step(tuner, part.cells, moment)
    assert size(model) <= Costs(backbone).params(configuration)
    assert sum(ranks(model).values()) <= 2 * 6
    small = min(each.size for each in growing(model).values())
    left = sum((2 - each.rank) * each.size for each in growing(model).values())
    assert 0 <= left < small


def grown(backbone, growth, count=2, steps=6):
    """Train a little, then let one matrix grow; return it with its optimiser, and what there was before."""
    batch = tiny_batch(backbone)
    knobs = {"rank": 4, "warmup": 0.9, "growth": growth, "targets": ALIKE}
    model, _ = build(backbone, {"increlora": knobs})
    optimiser = train(model, batch, steps, of=100)
    each = next(iter(growing(model).values()))
    before = logits(model, batch), update(each), copy.deepcopy({p: optimiser.state[p] for p in each.components()})
    states = dict(zip(each.components(), before[2].values(), strict=True))
    each.grow(count, optimiser, steps, rescaled=growth == "repaired")
    return model, each, optimiser, (before[0], before[1], states)


def test_growth_leaves_the_output_as_it_is(tiny) -> None:
    backbone = tiny("bert")
    model, each, _, (before, delta, _) = grown(backbone, "repaired")
    assert delta.abs().max() > 1e-3
    assert (logits(model, tiny_batch(backbone)) - before).abs().max() <= 1e-4
    torch.testing.assert_close(update(each), delta, atol=1e-6, rtol=1e-3)
    # Not even what is in reserve while it trains counts for another share.
    assert torch.allclose(each.values[1:], torch.full((2,), 3 * RESERVED))


@pytest.mark.parametrize("count", [1, 3])
def test_as_released_growth_takes_from_what_was_learnt(tiny, count) -> None:
    _, each, _, (_, delta, _) = grown(tiny("bert"), "release", count)
    torch.testing.assert_close(update(each), delta / (1 + count), atol=1e-6, rtol=1e-3)
    assert torch.allclose(each.values[1:], torch.full((count,), RESERVED))


@pytest.mark.parametrize("growth", ["repaired", "release"])
def test_growth_keeps_moments_and_what_comes_in_has_none(tiny, growth) -> None:
    _, each, optimiser, (_, _, before) = grown(tiny("bert"), growth)
    for parameter, dim in each.components().items():
        state, old = optimiser.state[parameter], before[parameter]
        there = old["exp_avg"].shape[dim]
        assert state["exp_avg"].shape == state["exp_avg_sq"].shape == parameter.shape
        for name in ("exp_avg", "exp_avg_sq", "age", BIRTH):
            assert torch.equal(state[name].narrow(dim, 0, there), old[name])
            added = state[name].narrow(dim, there, 2)
            assert torch.equal(added, torch.full_like(added, 6.0 if name == BIRTH else 0.0))
        assert state["exp_avg_sq"].narrow(dim, 0, there).count_nonzero() > 0


def test_the_rate_of_what_came_in_begins_at_0_again(tiny) -> None:
    backbone = tiny("bert")
    batch, steps, peak = tiny_batch(backbone), 40, 0.02
    knobs = {"rank": 2, "warmup": 0.1, "interval": 0.5, "targets": ["q"], "layers": [0, 1]}
    model, _ = build(backbone, {"increlora": knobs})
    optimiser = AdapterAdamW([{**group, "lr": peak} for group in optimiser_groups(model)], weight_decay=0.0)
    scheduler = LambdaLR(optimiser, schedule(steps, 0.05))
    pace, each = optimiser.param_groups[0]["rule"], next(iter(growing(model).values()))
    moved, asked = [], []
    for step in range(1, steps + 1):
        moment = Moment(step, steps, optimiser)
        before_backward(model, moment)
        (model(**batch).loss + penalty(model)).backward()
        after_backward(model, moment)
        before = each.down.detach().clone()
        births = optimiser.state[each.down].get(BIRTH, torch.zeros(len(each.down), 1))
        asked.append(pace.rates(optimiser.param_groups[0], births).flatten().tolist())
        optimiser.step()
        moved.append((each.down.detach() - before).abs().amax(1).tolist())
        after_step(model, moment)
        optimiser.zero_grad()
        scheduler.step()
    assert (each.rank, each.reserves) == (2, 1)
    factor = schedule(steps, 0.05)
    for step, rates in enumerate(asked, 1):
        # Of rank 1 and the first reserve both were there at first.
        assert rates[:2] == pytest.approx([peak * factor(step - 1)] * 2)
    born, rising = 4, 4
    newest = [rates[2] for rates in asked[born:]]
    assert newest[:rising] == pytest.approx([peak * done / rising for done in range(rising)])
    assert newest[rising:] == pytest.approx(
        [peak * (36 - done) / (36 - rising) for done in range(rising, steps - born)], abs=1e-7
    )
    assert moved[born][2] == 0
    assert min(moved[born][:2]) > 0


def test_a_step_is_adamws_with_an_age_for_each_component() -> None:
    torch.manual_seed(0)
    ours, theirs = (torch.nn.Parameter(torch.ones(3, 2)) for _ in range(2))
    rule = Pace({ours: 0})
    one = AdapterAdamW([{"params": [ours], "lr": 0.1, "rule": rule}], weight_decay=0.1)
    other = torch.optim.AdamW([theirs], lr=0.1, weight_decay=0.1)
    for _ in range(5):
        ours.grad = torch.randn(3, 2)
        theirs.grad = ours.grad.clone()
        one.step()
        other.step()
        torch.testing.assert_close(ours, theirs)
    # An optimiser that reads a checkpoint copies its groups.
    one.load_state_dict(one.state_dict())
    assert one.param_groups[0]["rule"] is copy.deepcopy(rule) is rule


def test_importance_is_that_of_the_dense_gradient_and_goes_into_averages(tiny) -> None:
    backbone = tiny("llama")
    batch = tiny_batch(backbone)
    model, _ = build(backbone, {"increlora": {"rank": 2, "warmup": 0.9, "targets": ["q", "down"]}})
    randomise(model)
    optimiser = AdapterAdamW(optimiser_groups(model))
    expected = dict.fromkeys(growing(model), (0.0, 0.0))
    for step in (1, 2):
        moment = Moment(step, 100, optimiser)
        before_backward(model, moment)
        model(**batch).loss.backward()
        after_backward(model, moment)
        plain = fresh(backbone)
        plain.eval()
        deltas = {}
        with torch.no_grad():
            for name, each in growing(model).items():
                values = torch.cat([each.values, torch.full((each.reserves,), RESERVED)])
                deltas[name] = each.up @ (each.down * values[:, None]) * 32.0
                plain.get_submodule(name).weight += deltas[name]
        plain(**batch).loss.backward()
        for name, each in growing(model).items():
            weight = plain.get_submodule(name).weight
            score = float((weight.grad * deltas[name]).abs().sum()) / weight.numel() ** 0.5
            importance = 0.85 * expected[name][0] + 0.15 * score
            expected[name] = importance, 0.85 * expected[name][1] + 0.15 * abs(score - importance)
            assert each.importance.item() == pytest.approx(expected[name][0], rel=1e-3)
            assert each.uncertainty.item() == pytest.approx(expected[name][1], rel=1e-3)
            assert each.worth.item() == pytest.approx(expected[name][0] * expected[name][1], rel=1e-3)
        randomise(model, 0.3)


def test_the_best_grow_and_what_is_reached_is_observed_no_longer(tiny) -> None:
    backbone = tiny("bert")
    batch = tiny_batch(backbone)
    knobs = {"rank": 2, "warmup": 0.2, "interval": 0.2, "top": 2, "targets": ALIKE}
    model, _ = build(backbone, {"increlora": knobs})
    worth, grew, importance = {}, {}, {}

    def note(step: int, _) -> None:
        grew[step] = ranks(model)
        worth[step] = {name: each.worth.item() for name, each in growing(model).items()}
        importance[step] = {name: each.importance.item() for name, each in growing(model).items()}

    train(model, batch, 20, each=note)
    best = sorted(worth[4], key=worth[4].get)[-2:]
    assert {name for name, rank in grew[4].items() if rank == 2} == set(best)
    assert sum(grew[12].values()) == 12
    assert importance[12] == importance[20]
    assert importance[11] != importance[12]


def test_reserves_are_trained_by_the_loss_and_count_in_training_alone(tiny) -> None:
    backbone = tiny("bert")
    batch = tiny_batch(backbone)
    model, _ = build(backbone, {"increlora": {"rank": 2, "targets": ["q"], "orthogonality": 0.0}})
    assert penalty(model) is None
    plain = logits(fresh(backbone), batch)
    assert torch.equal(logits(model, batch), plain)
    before_backward(model, Moment(1, 100, AdapterAdamW(optimiser_groups(model))))
    assert not torch.equal(logits(model, batch), plain)
    assert torch.allclose(logits(model, batch), plain, atol=1e-4)
    model(**batch).loss.backward()
    for each in growing(model).values():
        # E is 0 at first, so that nothing flows through what is in use but E's own gradient.
        assert each.down.grad[0].count_nonzero() == each.up.grad[:, 0].count_nonzero() == 0
        assert each.down.grad[1].count_nonzero() > 0 < each.up.grad[:, 1].count_nonzero()
        assert each.values.grad.count_nonzero() == len(each.values) == 1


def test_the_penalty_is_of_whole_matrices(tiny) -> None:
    backbone = tiny("bert")
    model, _ = build(backbone, {"increlora": {"rank": 4, "targets": ["q"], "orthogonality": 0.3}})
    randomise(model)
    before_backward(model, Moment(1, 100, AdapterAdamW(optimiser_groups(model))))
    terms = []
    for each in growing(model).values():
        assert len(each.down) == 1 + 2
        for square in (each.down @ each.down.T, each.up.T @ each.up):
            terms.append((square - torch.eye(3)).square().sum().sqrt())
    assert penalty(model).item() == pytest.approx(0.3 * sum(terms).item() / len(terms))


@pytest.mark.parametrize("architecture", ["bert", "gpt2"])
def test_stored_is_a_plain_lora_of_the_ranks_in_use(tiny, tmp_path, architecture) -> None:
    backbone = tiny(architecture)
    batch = tiny_batch(backbone)
    knobs = {"rank": 4, "top": 1, "interval": 0.1, "targets": ["o", "up"]}
    model, configuration = build(backbone, {"increlora": knobs})
    train(model, batch, 15, of=20)
    found, layers = ranks(model), growing(model).values()
    assert len(set(found.values())) > 1
    assert sum(found.values()) < 4 * len(found)
    expected = logits(model, batch)
    save(model, tmp_path)
    config = json.loads((tmp_path / "adapter_config.json").read_text())
    assert config["peft_type"] == "LORA"
    assert config["rank_pattern"] == found
    stored = [value for name, value in load_file(tmp_path / "adapter_model.safetensors").items() if "lora_" in name]
    assert sum(4 * value.numel() for value in stored) == sum(4 * each.rank * each.size for each in layers)
    assert sum(4 * value.numel() for value in stored) <= Costs(backbone).bytes(configuration)
    twin = fresh(backbone)
    assert load(tmp_path, twin, backbone.anatomy) == configuration
    assert torch.equal(logits(twin, batch), expected)
    stock = PeftModel.from_pretrained(fresh(backbone), str(tmp_path))
    assert torch.equal(logits(stock, batch), expected)
    again = tmp_path / "again"
    save(twin, again)
    assert (again / "adapter_model.safetensors").read_bytes() == (tmp_path / "adapter_model.safetensors").read_bytes()
    [(_, tuner, _)] = applied(model).inserted
    tuner.merge_adapter(safe_merge=True)
    assert torch.allclose(logits(model, batch), expected, atol=1e-5)
    tuner.unmerge_adapter()
    assert torch.allclose(logits(model, batch), expected, atol=1e-5)


def test_a_checkpoint_has_ranks_and_averages(tiny, tmp_path) -> None:
    backbone = tiny("bert")
    batch = tiny_batch(backbone)
    modules = {"increlora": {"rank": 4, "top": 2, "interval": 0.1, "targets": UNLIKE}}
    model, _ = build(backbone, modules)
    train(model, batch, 9, of=20)
    write_state(model, tmp_path)
    twin, _ = build(backbone, modules)
    read_state(twin, tmp_path)
    assert ranks(twin) == ranks(model)
    assert len(set(ranks(model).values())) > 1
    assert torch.equal(logits(twin, batch), logits(model, batch))
    for one, other in zip(growing(model).values(), growing(twin).values(), strict=True):
        assert torch.equal(one.importance, other.importance)
        assert torch.equal(one.uncertainty, other.uncertainty)
    train(twin, batch, 3, of=20)


def test_a_batch_in_parts_adds_up_and_half_precision_observes_the_same(tiny) -> None:
    backbone = tiny("bert")
    batch = tiny_batch(backbone)
    model, _ = build(backbone, {"increlora": {"rank": 2, "targets": ["q"]}})
    randomise(model)
    optimiser, found = AdapterAdamW(optimiser_groups(model)), []
    for precision in (torch.float32, torch.bfloat16):
        before_backward(model, Moment(1, 100, optimiser))
        for _ in range(2):
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == torch.bfloat16):
                loss = model(**batch).loss
            (loss / 2).backward()
        found.append(torch.stack([each.score for each in growing(model).values()]))
        for each in growing(model).values():
            each.score = None
    torch.testing.assert_close(found[0], found[1], atol=1e-3, rtol=0.1)
