"""LISA: how many layers move, how often each, what the optimiser remembers."""

from collections import Counter

import pytest
import torch

from autopeft.backbones import head_parameters
from autopeft.methods.builder import applied
from autopeft.testing.methods import logits
from autopeft.testing.models import tiny_batch
from tests.methods.stepping import build, fresh, train


@pytest.mark.parametrize(("layers", "every"), [(1, 2), (2, 3)])
def test_exactly_so_many_layers_move_in_a_window_and_what_is_outside_always(scheduled, moved, layers, every) -> None:
    backbone, model, running = scheduled("lisa", layers=5, knobs={"layers": layers, "every": every})
    found, optimiser = moved(model, running, tiny_batch(backbone), 4 * every)
    windows = [
        {place.layer for places, _ in found[at : at + every] for place in places} for at in range(0, 4 * every, every)
    ]
    assert [len(window) for window in windows] == [layers] * 4
    assert len(set(map(frozenset, windows))) > 1
    assert all(all(outside) for _, outside in found)
    live = sum(parameter.numel() for parameter in optimiser.state)
    remembered = sum(value.numel() for state in optimiser.state.values() for value in state.values() if value.ndim)
    assert remembered == 2 * live
    now = {place.layer for place in running.active}
    assert {id(parameter) for parameter in optimiser.state} >= {
        id(parameter) for place, some in running.places.items() if place.layer in now for parameter in some
    }
    assert not {id(parameter) for parameter in optimiser.state} & {
        id(parameter) for place, some in running.places.items() if place.layer not in now for parameter in some
    }


def test_each_layer_is_drawn_alike(scheduled) -> None:
    _, _, running = scheduled("lisa", layers=5, knobs={"layers": 2, "every": 1})
    counts = Counter(
        layer for _ in range(2000) for layer in {place.layer for place in running.schedule.draw(running, None)}
    )
    assert set(counts) == set(range(5))
    # Five standard errors.
    assert all(abs(count / 2000 - 0.4) < 5 * (0.4 * 0.6 / 2000) ** 0.5 for count in counts.values())


def test_all_layers_at_a_time_are_full_fine_tuning_by_torch_alone(scheduled, tiny) -> None:
    backbone, model, _ = scheduled("lisa", knobs={"layers": 3, "every": 2})
    batch = tiny_batch(backbone)
    train(model, batch, 6, rate=0.01, weight_decay=0.1)

    plain = fresh(backbone).eval()
    heads = {id(parameter) for parameter in head_parameters(plain).values()}
    backbones = [parameter for parameter in plain.parameters() if id(parameter) not in heads]
    optimiser = torch.optim.AdamW(backbones, lr=0.01, weight_decay=0.1)
    for _ in range(6):
        plain(**batch).loss.backward()
        optimiser.step()
        plain.zero_grad()
    torch.testing.assert_close(logits(model, batch), logits(plain, batch), rtol=1e-5, atol=1e-5)


def test_over_adapters_only_those_of_the_drawn_layers_move(scheduled, moved) -> None:
    backbone, model, running = scheduled("lisa", {"lora": {"rank": 2}}, layers=4, knobs={"layers": 1, "every": 3})
    found, _ = moved(model, running, tiny_batch(backbone), 6)
    assert all(len({place.layer for place in places}) == 1 for places, _ in found[1:])


def test_after_the_last_step_everything_could_train_again(scheduled) -> None:
    backbone, model, running = scheduled("lisa", knobs={"layers": 1, "every": 2})
    train(model, tiny_batch(backbone), 3)
    assert all(parameter.requires_grad for inserted in applied(model).inserted for parameter in inserted.parameters)
    assert running.active


def test_what_a_checkpoint_holds_goes_on_with_the_same_draws(scheduled) -> None:
    _, _, one = scheduled("lisa", layers=5, knobs={"layers": 2, "every": 1})
    _, _, other = scheduled("lisa", layers=5, knobs={"layers": 2, "every": 1})
    for _ in range(3):
        one.schedule.draw(one, None)
    other.resume(one.state())
    assert [one.schedule.draw(one, None) for _ in range(5)] == [other.schedule.draw(other, None) for _ in range(5)]


def test_the_same_seed_draws_the_same(tiny) -> None:
    backbone = tiny("bert", layers=5)
    drawn = []
    for _ in range(2):
        model, _ = build(backbone, {"full": {}}, {"schedule": "lisa", "lisa_layers": 2})
        [running] = applied(model).schedules
        drawn.append([running.schedule.draw(running, None) for _ in range(5)])
    assert drawn[0] == drawn[1]
