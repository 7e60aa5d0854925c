"""The simulation of selections: a world that is as it says, and statements held against its truth."""

import numpy as np
import pytest

from autopeft.selection.contenders import MOST_CANDIDATES
from studies.arena.catalogue import load
from studies.finalists.check import confidence, spending
from studies.finalists.fit import fit
from studies.finalists.simulate import candidates_at_random, candidates_of_sampler, pick_loss, pool_of
from studies.finalists.tables import SHARED_TABLES, icd10, peft, without_better
from studies.finalists.world import Noise, World

NOISE = Noise(luck=0.1, luck_spread=0.0, common=0.5, own=0.25)


def test_trainings_reach_what_the_table_says():
    table = icd10()
    world = World(table, NOISE, np.random.default_rng(0))
    reached = [world.train(index, 40)["test"].mean() for index in range(5)]
    assert reached == pytest.approx(table.accuracies[:5].tolist(), abs=0.05)
    infinite = world.on_validation(2)
    assert world.train(2, 400)["validation"].mean() == pytest.approx(infinite, abs=0.01)


def test_the_noise_is_found_again():
    world = World(icd10(), NOISE, np.random.default_rng(1))
    world.sizes = {"validation": 600}
    found = fit([world.train(index, 6)["validation"] for index in range(1, 9)])
    assert found.luck == pytest.approx(NOISE.luck, rel=0.4)
    assert found.luck_spread < 0.4
    assert found.common == pytest.approx(NOISE.common, abs=0.1)
    assert found.own == pytest.approx(NOISE.own, abs=0.1)


def test_picks_by_the_truth_lose_nothing():
    world = World(icd10(), NOISE, np.random.default_rng(0))
    pool = pool_of(world, candidates_at_random(world, 0), 3)
    assert pick_loss(pool, pool.truth) == 0
    assert pick_loss(pool, -pool.truth) > 0


def test_nothing_is_called_better_where_nothing_is():
    table = without_better(icd10())
    assert table.accuracies.max() == table.accuracies[table.stock]
    found, seeds = confidence(table, NOISE, 25, candidates_at_random)
    assert sum(selection.wrong for selection in found) <= 4
    assert not any(selection.right for selection in found)
    assert np.mean([selection.together for selection in found]) > 0.8
    assert 14 < seeds < 70


@pytest.mark.slow
def test_our_sampler_finds_candidates_among_the_recorded_configurations():
    table = icd10()
    world = World(table, NOISE, np.random.default_rng(0))
    found = candidates_of_sampler(world, 0, benchmark=load("icd10"), texts=table.texts)
    assert 1 <= len(found) <= MOST_CANDIDATES
    assert not {table.stock, table.head} & set(found)
    assert all(np.diff(table.costs[found]) > 0)


@pytest.mark.skipif(not SHARED_TABLES.is_dir(), reason=f"no recorded runs in {SHARED_TABLES}")
def test_races_are_held_against_even_spending():
    rows = spending(peft(), Noise.fitted(), 3)
    assert [most for most, *_ in rows] == sorted(most for most, *_ in rows)
    assert all(spent > 0 and lost >= 0 and even > 0 for _, spent, lost, even in rows)
