"""Searches to which everything happens that can, by a seed: nothing is lost, changed or doubled."""

from collections import Counter

import optuna
import pytest
from optuna.trial import TrialState
from sqlalchemy import event

from autopeft.launch import baselines, desk
from autopeft.selection import records as kept
from autopeft.study import Watch, asking, counted, records, retries
from autopeft.study.backend import connect
from tests.simulation.invariants import faults_of
from tests.simulation.selection import Selection
from tests.simulation.world import World, patched


def search(monkeypatch, seed, **settings):
    world = World(seed, **settings)
    with monkeypatch.context() as within:
        patched(within, world)
        world.run()
    return world


@pytest.fixture(autouse=True)
def quiet():
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    yield
    optuna.logging.set_verbosity(before)


def settings_of(seed, folder):
    """Return how a search is simulated: few with the sampler that thinks, or in a real database."""
    found = {}
    if seed % 100 == 50:
        found |= {"sampler": "pareto", "total": 12}
    if seed % 20 == 19:
        found["inner"] = connect(f"sqlite:///{folder}/{seed}.db")
        event.listen(found["inner"].engine, "connect", _in_memory)
        found["inner"].engine.dispose()
        found["total"] = 4
    return found


def _in_memory(connection, record):
    # The disk need not have it all.
    for setting in ("synchronous = OFF", "journal_mode = MEMORY"):
        connection.execute(f"PRAGMA {setting}")


def wrong(monkeypatch, seeds, folder):
    found = {}
    for seed in seeds:
        world = search(monkeypatch, seed, **settings_of(seed, folder))
        faults = faults_of(world)
        if seed % 10 == 0:
            with monkeypatch.context() as within:
                faults += Selection(seed, folder / f"run-{seed}").run(within).faults
        if faults:
            found[seed] = faults
    return found


def test_whatever_happens_to_a_search_nothing_is_lost_changed_or_doubled(monkeypatch, tmp_path) -> None:
    assert wrong(monkeypatch, range(200), tmp_path) == {}


@pytest.mark.slow
@pytest.mark.parametrize("part", range(5))
def test_whatever_happens_to_five_thousand_searches(monkeypatch, tmp_path, part) -> None:
    assert wrong(monkeypatch, range(1000 * part + 200, 1000 * part + 1200), tmp_path) == {}


def test_a_seed_replays_and_everything_happens_somewhere(monkeypatch) -> None:
    first, again = (search(monkeypatch, 7) for _ in range(2))
    assert [trial.user_attrs for trial in first.trials()] == [trial.user_attrs for trial in again.trials()]
    assert first.points == again.points
    seen = Counter()
    for seed in range(40):
        world = search(monkeypatch, seed)
        seen["deaths"] += len(world.drivers) - 1
        seen["freed"] += len(world.freed)
        seen["void"] += sum(records.is_void(trial) for trial in world.trials())
        seen["stopped"] += sum(trial.state == TrialState.PRUNED for trial in world.trials())
        seen["retried"] += sum("retry_of" in trial.user_attrs for trial in world.trials())
        seen["pulled"] += world.refused
    assert min(seen[name] for name in ("deaths", "freed", "void", "stopped", "retried", "pulled")) > 3


def told_twice(self, number, tell):
    """Tell, and tell again what was told."""
    tell()
    trial = self.study.get_trials(deepcopy=False)[number]
    self.study._storage.world.ended(self.study._storage.driver, trial._trial_id, trial.state)
    self._forget(number)
    return True


NEVER_AGAIN = [(retries, "_next_try", lambda *_: None)]

PLANTED = {
    "an outcome was told twice": [(desk.Desk, "_told", told_twice)],
    "a live lease was freed": [(Watch, "_gone", lambda self, trial: True)],
    "the total was exceeded": [
        (asking, "rooms", lambda *_: set()),
        (desk, "room", lambda study, total: counted(study) < total),
    ],
    "a retry was lost": NEVER_AGAIN,
    "stock-lora is missing": [(baselines, "is_void", lambda trial: False), *NEVER_AGAIN],
    "a configuration was run twice to its end": [(asking, "_is_it", lambda *_: False)],
}


#: Drivers get into each other's way more often than they are killed.
_BUSY = (0.001, 0.001, 0.003, 0.5)


def test_a_selection_is_killed_in_the_middle_and_goes_on(monkeypatch, tmp_path) -> None:
    found = [Selection(seed, tmp_path / str(seed), kill=0.03).run(monkeypatch) for seed in range(5)]
    assert min(each.deaths for each in found) > 0
    assert not [fault for each in found for fault in each.faults]


def test_a_torn_file_that_is_taken_for_an_empty_one_is_found(monkeypatch, tmp_path) -> None:
    def torn(path, text):
        with path.open("w") as file:
            file.write(text[: len(text) // 2])
            file.flush()
            path.with_suffix(".other").mkdir(exist_ok=True)
            file.write(text[len(text) // 2 :])

    def taken_for_empty(run):
        path = run / kept._READINGS
        lines = path.read_text().splitlines() if path.is_file() else []
        return lines if not lines or lines[-1].endswith("}") else []

    monkeypatch.setattr(kept, "write_text", torn)
    monkeypatch.setattr(kept, "_noted", taken_for_empty)
    monkeypatch.setattr(kept.Records, "test", lambda *_: None)
    for seed in range(100):
        if (
            "readings of test are counted as fewer"
            in Selection(seed, tmp_path / str(seed), 0.02).run(monkeypatch).faults
        ):
            return
    pytest.fail("not found")


@pytest.mark.parametrize("fault", PLANTED)
def test_a_fault_that_is_planted_is_found(monkeypatch, fault) -> None:
    for where, name, instead in PLANTED[fault]:
        monkeypatch.setattr(where, name, instead)
    for seed in range(400):
        if fault in faults_of(search(monkeypatch, seed, faults=_BUSY)):
            return
    pytest.fail(f"not found: {fault}")
