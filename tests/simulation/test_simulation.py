"""Searches to which everything happens that can, by a seed: nothing is lost, changed or doubled."""

from tests.simulation.invariants import faults_of
from tests.simulation.world import World, patched


def search(monkeypatch, seed, **settings):
    world = World(seed, **settings)
    with monkeypatch.context() as within:
        patched(within, world)
        world.run()
    return world


def test_whatever_happens_to_a_search_nothing_is_lost_changed_or_doubled(monkeypatch) -> None:
    wrong = {seed: found for seed in range(200) if (found := faults_of(search(monkeypatch, seed)))}
    assert wrong == {}
