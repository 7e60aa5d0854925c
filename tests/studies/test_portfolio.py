"""A portfolio is learned: it covers fronts, each entry adds to those before, and what is shipped was learned so."""

from dataclasses import asdict

import pytest
import yaml

from autopeft.methods.portfolio import PORTFOLIO
from autopeft.space import BackboneShape, Configuration
from studies.arena.record import TASKS
from studies.portfolio.learn import Recorded, learn, read, relative

SHAPE = BackboneShape(6, 384, 1536, ("q", "k", "v", "o", "up", "down"))
SCALE = {"limit": 1000, "reference": 0.5, "cheapest": 1}


def lora(rank, rate=4e-3, alpha=None):
    knobs = {"rank": rank, "alpha": alpha or 2.0 * rank, "targets": ["q"], "layers": [4, 5]}
    return Configuration.from_dict({"modules": {"lora": knobs}, "training": {"learning_rate": rate}})


def recorded(points, known=()):
    return Recorded(SCALE, points, frozenset(known))


def test_what_adds_the_most_comes_first_and_what_is_run_anyway_adds_nothing():
    cheap, middle, dear, bad = (lora(rank) for rank in (1, 2, 4, 8))
    one = recorded({cheap: (10, 0.8), middle: (100, 0.85), dear: (900, 0.9), bad: (950, 0.6)})
    assert one.cover([]) == 0
    assert one.cover([cheap, middle, dear]) == pytest.approx(1)
    # Alone at the top, which counts as much as the whole.
    assert learn([one], SHAPE) == [dear, cheap, middle]
    begun = recorded(one.points, known=[dear])
    assert learn([begun], SHAPE) == [cheap, middle]


def test_all_tasks_count_and_only_what_each_of_them_has_recorded():
    first, second, lone = lora(1), lora(2), lora(4)
    some = recorded({first: (10, 0.9), second: (10, 0.6), lone: (5, 0.95)})
    others = [recorded({first: (10, 0.6), second: (10, 0.9)}) for _ in range(2)]
    assert learn([some, *others], SHAPE, size=1) == [second]
    assert lone not in learn([some, *others], SHAPE)


def test_what_differs_between_layers_cannot_be_written_for_another_depth():
    assert relative(lora(rank={"4": 1, "5": 2}, alpha={"4": 2.0, "5": 4.0}), SHAPE) is None
    assert relative(Configuration.from_dict({"modules": {}, "training": {}}), SHAPE) is None
    entry = relative(lora(8, 1e-2), SHAPE)
    assert entry.modules == {"lora": {"rank": "d/48", "alpha": "2r", "targets": ["q"], "layers": "4-5 of 6"}}
    assert entry.pace == 2.5


def test_the_shipped_portfolio_is_the_one_that_the_tables_give():
    chosen = learn([read(task) for task in TASKS], SHAPE)
    assert yaml.safe_load(PORTFOLIO.read_text(encoding="utf8")) == [asdict(relative(each, SHAPE)) for each in chosen]
