"""What the arena says of what people pick, and the arms that are no samplers: ladders and steps."""

from dataclasses import replace

import numpy as np
import pytest

from autopeft.methods import VOCABULARY
from autopeft.space import load_space
from autopeft.space.shape import BackboneShape
from studies.arena.benchmarks import NEAR, Best
from studies.arena.catalogue import BENCHMARKS, SHARED_TABLES, load
from studies.arena.contestants import STEP, prepared
from studies.arena.ladders import LADDERS, ladders
from studies.arena.picks import excess, regret, regret_as_told, scored
from studies.arena.replay import replay
from studies.arena.show import of_few_trials, picked
from studies.arena.stepped import SteppedSpace, usual
from studies.arena.tinker import PREFIX
from tests.studies.test_arena import made_up

needs_tables = pytest.mark.skipif(not SHARED_TABLES.is_dir(), reason=f"no recorded runs in {SHARED_TABLES}")

SHAPE = BackboneShape(layers=6, hidden=384, ffn=1536, roles=("q", "k", "v", "o", "up", "down"))
BEST = Best(1.0, 0.9, 10)


def test_regret_is_of_the_best_found_or_of_what_was_told_best_and_ignores_what_no_budget_allows():
    benchmark = made_up()
    found = [(50, 0.8, 0.7), (20, 0.75, 0.85), None, (101, 0.99, 0.9)]
    for score in (regret, regret_as_told):
        assert score(found[:1], benchmark, BEST) == pytest.approx(20)
        assert score([None], benchmark, BEST) == pytest.approx(100 * (0.9 - benchmark.reference))
    assert regret(found, benchmark, BEST) == pytest.approx(5)
    # Told the most it stays picked, although another is truly better.
    assert regret_as_told(found, benchmark, BEST) == pytest.approx(20)


def test_the_cheapest_that_is_nearly_as_good_counts_and_the_budget_where_there_is_none():
    benchmark = made_up()
    near = [(40, 0.1, 0.9), (20, 0.1, 0.9 - NEAR / 2), (10, 0.9, 0.9 - 2 * NEAR)]
    assert excess(near, benchmark, BEST) == pytest.approx(np.log10(2))
    assert excess(near[2:], benchmark, BEST) == pytest.approx(np.log10(benchmark.limit / 10))


def test_searches_are_scored_after_every_trial_and_never_get_worse_at_costs():
    benchmark = made_up()
    found = replay(benchmark, "random", 12, seed=0)
    row = {"sampler": "random", "trials": 32, "seed": 0, "growth": found.growth, "found": found.found}
    best = Best.of([one[0] for one in found.found], [one[2] for one in found.found], **scale(benchmark))
    [scores] = [each["growth"] for each in scored([row, {"sampler": "old"}], excess, benchmark, best)]
    assert len(scores) == 12
    assert scores == sorted(scores, reverse=True)
    assert scores[-1] == 0
    assert scored([row], regret, benchmark, best)[0]["growth"][-1] == 0
    assert "| random |" in picked([{**row, "growth": scores}])


def scale(benchmark):
    return {"limit": benchmark.limit, "reference": benchmark.reference, "cheapest": benchmark.cheapest}


@pytest.mark.parametrize("name", LADDERS)
def test_ladders_are_of_the_default_space_and_searched_to_their_last_rung(name):
    space = load_space("default").bind(VOCABULARY, SHAPE)
    rungs = ladders(SHAPE)[name]
    assert all(space.decode(space.encode(each)) == each for each in rungs)
    layers = {tuple(each.modules["lora"]["layers"]) for each in rungs}
    assert len(layers) == 1
    assert len(rungs) == len({each.text for each in rungs})
    loaded = replace(made_up(), ladders={name: list(made_up().baselines.values())})
    assert prepared(name, loaded).most == 1


def test_steps_are_rates_by_rank_and_scale_and_stay_in_the_space():
    assert usual(8, 2.0, 0.27) == 1
    assert usual(16, 2.0, 1.0) == 1
    assert usual(8, 1.0, 0.27) == 2
    space = load_space("default").bind(VOCABULARY, SHAPE)
    stepped = SteppedSpace(space, 0.27)
    rng = np.random.default_rng(0)
    rate = next(each for each in space.parameters if each.name == "training.learning_rate")
    for _ in range(50):
        params = stepped.sample(rng)
        configuration = stepped.decode(params)
        assert space.contains(configuration)
        assert rate.low <= configuration.training.get("learning_rate", rate.low) <= rate.high
    lora = ladders(SHAPE)["ladder"][0]
    back = stepped.decode(stepped.encode(lora))
    assert back.modules == lora.modules
    assert back.training["learning_rate"] == pytest.approx(lora.training["learning_rate"], rel=1e-2)


@needs_tables
def test_models_of_the_sweep_are_searched_by_rates_and_by_steps():
    names = [name for name in BENCHMARKS if name.startswith(PREFIX)]
    assert len(names) == 20
    benchmark = load(names[0])
    rows = []
    for arm in ("random", STEP, "ladder"):
        if arm == STEP:
            assert prepared(arm, benchmark).space is benchmark.stepped
            continue
        found = replay(benchmark, arm, 8, seed=0)
        assert len(found.growth) == min(8, prepared(arm, benchmark).most)
        rows.append({"sampler": arm, "trials": 32, "seed": 0, "growth": found.growth, "found": found.found})
    said = of_few_trials({names[0]: rows}, {names[0]: benchmark}, {names[0]: benchmark.best()})
    assert "1 models, share of the best hypervolume known" in said
    assert "| ladder |" in said
