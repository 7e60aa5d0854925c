"""Where a search begins: written on one backbone, read on another."""

import numpy as np
import pytest

from autopeft.methods import STOCK_LEARNING_RATE, VOCABULARY
from autopeft.methods.portfolio import Entry, portfolio
from autopeft.space import BackboneShape, load_space
from studies.portfolio.learn import relative

ROLES = ("q", "k", "v", "o", "up", "down")
SHAPE = BackboneShape(6, 384, 1536, ROLES)
TOP = Entry({"lora": {"rank": "d/48", "alpha": "2r", "targets": ["q", "v"], "layers": "4-5 of 6"}}, 2.5)


def lora_of(entry, space="default", layers=6, hidden=384, roles=ROLES, rate=4e-3):
    """Return the LoRA of an entry on a backbone, and its learning rate."""
    bound = load_space(space).bind(VOCABULARY, BackboneShape(layers, hidden, 4 * hidden, roles))
    found = entry.configuration(bound, rate)
    return None if found is None else (found.modules["lora"], found.training.get("learning_rate"))


def test_what_is_written_on_a_backbone_is_read_on_it_again():
    space = load_space("default").bind(VOCABULARY, SHAPE)
    rng = np.random.default_rng(0)
    drawn = [space.decode(space.sample(rng)) for _ in range(100)]
    entries = {each: entry for each in drawn if (entry := relative(each, SHAPE)) is not None}
    assert len(entries) > 90
    for each, entry in entries.items():
        found = entry.configuration(space, STOCK_LEARNING_RATE)
        assert found.modules == each.modules
        assert found.training["learning_rate"] == pytest.approx(each.training["learning_rate"], rel=0.05)


@pytest.mark.parametrize(
    ("layers", "expected"), [(12, [8, 9, 10, 11]), (6, [4, 5]), (5, [3, 4]), (3, [2]), (2, [1]), (1, None)]
)
def test_layers_are_those_of_the_same_depth(layers, expected):
    found = lora_of(TOP, layers=layers)
    assert expected is None if found is None else found[0]["layers"] == expected


@pytest.mark.parametrize(("hidden", "rank"), [(384, 8), (576, 16), (768, 16), (1024, 16), (24, 1)])
def test_ranks_go_with_the_width_in_powers_of_two(hidden, rank):
    assert lora_of(TOP, hidden=hidden)[0]["rank"] == rank


def test_rates_go_with_that_of_stock_lora_whoever_has_them():
    assert lora_of(TOP, rate=2e-3)[1] == pytest.approx(5e-3)
    everywhere = Entry({"lora": {**TOP.modules["lora"], "layers": "0-5 of 6"}}, 0.5)
    knobs, shared = lora_of(everywhere, "llm", 32, 2048, (*ROLES[:5], "gate", "down"), 1e-3)
    assert (knobs["learning_rate"], shared) == (5e-4, None)


def test_what_a_space_lacks_is_left_out():
    space = load_space("autopeft").bind(VOCABULARY, SHAPE)
    adapter = Entry({"parallel_adapter": {"size": "d/8", "layers": "0-5 of 6"}}, 1.0)
    found = portfolio(space, 4e-3, [TOP, adapter, adapter])
    assert [each.modules for each in found] == [{"parallel_adapter": {"layers": [0, 1, 2, 3, 4, 5], "size": 48}}]
    # Beyond the rates that the space has.
    assert portfolio(space, 4e-3, [Entry(adapter.modules, 1e3)]) == []
