"""HFT: what is frozen in a round, and that another half is in the next."""

from collections import Counter

import pytest
import torch

from autopeft.backbones import head_parameters
from autopeft.methods.schedules.places import category_of
from autopeft.testing.methods import logits
from autopeft.testing.models import tiny_batch
from tests.methods.stepping import fresh, train


def frozen_of(running):
    return [place for place in running.places if place not in running.active]


@pytest.mark.parametrize("layers", [3, 4])
def test_of_each_block_half_is_frozen_by_category(scheduled, moved, layers) -> None:
    backbone, model, running = scheduled("hft", arch="llama", layers=layers, knobs={"rounds": 1})
    found, _ = moved(model, running, tiny_batch(backbone), 2)
    counts = Counter((place.layer, category_of(place, backbone.anatomy)) for place in frozen_of(running))
    assert all(counts[layer, "attention"] == 2 for layer in range(layers))
    assert all(counts[layer, "norms"] == 1 for layer in range(layers))
    ffn = sorted(counts[layer, "ffn"] for layer in range(layers))
    assert ffn == [1] * (layers - layers // 2) + [2] * (layers // 2)
    # Embeddings and the final norm move, frozen ones are the same to the bit, the others move.
    for places, outside in found:
        assert places == set(running.active)
        assert len(outside) == 2
        assert all(outside)


def test_a_round_keeps_its_draw_and_the_next_has_another(scheduled, moved) -> None:
    backbone, model, running = scheduled("hft", arch="llama", layers=4, knobs={"rounds": 3})
    found, _ = moved(model, running, tiny_batch(backbone), 9)
    rounds = [[frozenset(places) for places, _ in found[at : at + 3]] for at in (0, 3, 6)]
    assert all(len(set(each)) == 1 for each in rounds)
    assert len({each[0] for each in rounds}) == 3


def test_a_module_is_frozen_with_its_bias(scheduled) -> None:
    _, _, running = scheduled("hft")
    assert {len(parameters) for parameters in running.places.values()} == {2}


@pytest.mark.parametrize(("unit", "frozen"), [("layer", 2), ("model", 4)])
def test_of_layers_or_of_all_modules_that_share(scheduled, unit, frozen) -> None:
    backbone, model, running = scheduled("hft", layers=4, knobs={"unit": unit, "rounds": 1})
    train(model, tiny_batch(backbone), 1)
    found = frozen_of(running)
    if unit == "layer":
        assert len({place.layer for place in found}) == frozen
        assert not {place.layer for place in found} & {place.layer for place in running.active}
    else:
        assert len(found) == len(running.places) // 2


def test_nothing_frozen_is_full_fine_tuning_by_torch_alone(scheduled) -> None:
    backbone, model, _ = scheduled("hft", knobs={"frozen": 0.0})
    batch = tiny_batch(backbone)
    train(model, batch, 6, rate=0.01, weight_decay=0.1)
    plain = fresh(backbone).eval()
    heads = {id(parameter) for parameter in head_parameters(plain).values()}
    optimiser = torch.optim.AdamW(
        [parameter for parameter in plain.parameters() if id(parameter) not in heads], lr=0.01, weight_decay=0.1
    )
    for _ in range(6):
        plain(**batch).loss.backward()
        optimiser.step()
        plain.zero_grad()
    torch.testing.assert_close(logits(model, batch), logits(plain, batch), rtol=1e-5, atol=1e-5)
