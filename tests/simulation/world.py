"""A search in one process: drivers, workers and a clock that are simulated, a study and desks that are not.

A seed decides everything: which driver does something next, what a trial reaches, and at which call of the storage a
driver is killed, suspended beyond its leases, refused by the storage, or overtaken by another.
"""

from __future__ import annotations

import random
import zlib
from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import cache

import optuna
from optuna.exceptions import StorageInternalError
from optuna.storages import InMemoryStorage
from optuna.trial import TrialState

from autopeft.errors import AutopeftError
from autopeft.launch import Desk
from autopeft.launch.baselines import enqueue_baselines
from autopeft.methods import HEAD_ONLY, VOCABULARY, stock_lora
from autopeft.samplers import make_sampler
from autopeft.study import Watch, asking, leases, put_back
from tests.launch.conftest import SCALE, SHAPE, SPACE, cost
from tests.simulation.storage import Killed, storage_of

__all__ = ["BASELINES", "World"]

BASELINES = {"head-only": HEAD_ONLY, "stock-lora": stock_lora(SHAPE, 1e-3)}
_RUNGS = (1, 2, 4, 8)
_BOUND = SPACE.bind(VOCABULARY, SHAPE)


@cache
def _sampler(name):
    # It remembers nothing: what it proposes follows from the study.
    return make_sampler(name, _BOUND, cost, SCALE.limit, seed=0)


@dataclass
class Driver:
    """A process that drives the search.

    Args:
        name: Tells it apart.
        machine: Where it is: processes of one machine see each other die.
        workers: How many trials it has at work.
    """

    name: int
    machine: int
    workers: int
    desk: Desk = None
    at_work: dict = field(default_factory=dict)
    dead: bool = False
    suspended: bool = False
    busy: bool = False
    renewed: float = 0.0


@dataclass
class World:
    """Everything there is.

    Args:
        seed: Decides what happens.
        total: Trials of the search.
        sampler: Proposes them.
        inner: The storage behind all drivers; in memory when left out.
        faults: Probabilities at a call of the storage: to be killed, refused, suspended, overtaken.
    """

    seed: int
    total: int = 8
    sampler: str = "random"
    inner: object = None
    faults: tuple = (0.002, 0.001, 0.0015, 0.02)

    def __post_init__(self):
        self.rng = random.Random(self.seed)
        self.inner = self.inner or InMemoryStorage()
        self.now, self.depth, self.quiet = 0.0, 0, False
        self.drivers = []
        self.takings, self.endings, self.freed, self.told = Counter(), Counter(), [], {}
        self.overfull = self.refused = 0
        self.points = Counter()

    # -- what the storages report

    def strike(self, driver, name, when):
        """Let a fault happen, or none, at a named point of a driver."""
        if driver.dead:
            raise Killed
        if self.quiet or self.depth > 1 or not driver.desk:
            return
        self.points[name, when] += 1
        chance, (kill, refuse, suspend, overtake) = self.rng.random(), self.faults
        if chance < kill:
            driver.dead = True
            raise Killed
        if chance < kill + refuse and when == "before":
            self.refused += 1
            raise StorageInternalError("database is locked")
        if chance < kill + refuse + suspend:
            driver.suspended = True
            others = self._others(driver)
            for _ in range(self.rng.randrange(40) if others else 0):
                self.pass_time(5.0)
                self._let(self.rng.choice(others))
            driver.suspended = False
        elif chance < kill + refuse + suspend + overtake and (others := self._others(driver)):
            self._let(self.rng.choice(others))

    def _others(self, driver):
        """Return those that can do something while a driver is in the middle of it."""
        return [other for other in self.drivers if not (other is driver or other.dead or other.busy)]

    def _let(self, driver):
        self.depth += 1
        try:
            self.step(driver)
        finally:
            self.depth -= 1

    def taken(self, driver, trial_id):
        """Note that a driver has begun a trial."""
        self.takings[trial_id] += 1

    def ended(self, driver, trial_id, state):
        """Note that a driver has ended a trial."""
        self.endings[trial_id] += 1
        trial = self.inner.get_trial(trial_id)
        owner = trial.user_attrs.get(asking.OWNER)
        if owner is not None and owner["name"] != driver.name:
            holder = self.drivers[owner["name"]]
            self.freed.append((trial.number, holder.dead or holder.suspended or self.now - holder.renewed > 60.0))
        counted = sum(each.state in (TrialState.COMPLETE, TrialState.PRUNED) for each in self.trials())
        self.overfull = max(self.overfull, counted - self.total)

    def trials(self):
        """Return all trials as they are."""
        [study] = self.inner.get_all_studies()
        return self.inner.get_all_trials(study._study_id, deepcopy=False)

    # -- drivers

    def is_alive(self, owner):
        """Tell whether an owner lives, as processes on the machine of whoever is at it see."""
        here, there = self.acting.machine, self.drivers[owner["name"]]
        return not there.dead if there.machine == here else None

    def owner(self):
        """Return who is at it."""
        return {"name": self.acting.name}

    def begin(self):
        """Start another driver."""
        driver = Driver(len(self.drivers), self.rng.randrange(2), self.rng.choice((1, 2, 3)))
        self.drivers.append(driver)
        self.acting = driver
        storage = storage_of(self, driver, self.inner)
        study = optuna.create_study(
            storage=storage,
            study_name="simulated",
            directions=["minimize", "maximize"],
            sampler=_sampler(self.sampler),
            load_if_exists=True,
        )
        study.set_user_attr("scale", asdict(SCALE))
        watch = Watch(study, _BOUND, clock=lambda: self.now)
        driver.desk = Desk(study, _BOUND, cost, SCALE, self.total, 0.0, watch=watch)
        driver.renewed = self.now

        def open_up():
            watch.free()
            put_back(study, _BOUND)
            enqueue_baselines(study, _BOUND, BASELINES, self.total, lambda configuration: True, lambda message: None)

        self._do(driver, open_up)

    def _do(self, driver, action):
        """Let a driver do something; a fault ends it."""
        before, self.acting, driver.busy = getattr(self, "acting", driver), driver, True
        try:
            action()
        except Killed:
            driver.dead = True
        except (StorageInternalError, AutopeftError):
            # The driver says so and lets go of what it has, if the storage answers again.
            with suppress(Killed, StorageInternalError):
                driver.desk.close("the search ended before it finished")
            driver.dead = True
        finally:
            self.acting, driver.busy = before, False

    def pass_time(self, seconds):
        """Let time pass, in which a thread of each process renews its leases."""
        self.now += seconds
        for driver in self.drivers:
            if driver.desk and not (driver.dead or driver.suspended) and self.now - driver.renewed > 15.0:
                self._quietly(driver.desk.renew)
                driver.renewed = self.now

    def step(self, driver):
        """Let a driver do the next thing: begin a trial, or take what one has measured."""
        if not (driver.dead or driver.busy):
            self._do(driver, lambda: self._work(driver))

    def _work(self, driver):
        slot = self.rng.randrange(driver.workers)
        if slot not in driver.at_work:
            trial = driver.desk.next()
            if trial is not None:
                driver.at_work[slot] = trial, iter(self.measured(trial))
            return
        trial, points = driver.at_work[slot]
        fate, value = next(points)
        if fate == "rung" and driver.desk.go_on(trial.number, value):
            return
        # What a worker has brought is brought once.
        del driver.at_work[slot]
        if fate == "rung":
            driver.desk.stopped(trial.number)
        elif fate == "died":
            driver.desk.lost(trial.number, "its worker died")
        else:
            driver.desk.record(trial.number, value)

    def measured(self, trial):
        """Yield what a trial brings: points at rungs, then how it ends."""
        chance = random.Random(f"{self.seed} {trial.number}")
        accuracy = accuracy_of(trial.configuration)
        curve = []
        for step in _RUNGS[:-1]:
            point = {"step": step, "accuracy": accuracy - 0.1 / step, "loss": 1 - accuracy, "seconds": 0.1 * step}
            curve.append(point)
            if not self.quiet and chance.random() < 0.02:
                yield "died", None
                return
            yield "rung", {**point, "busy": 0.1, "step_seconds": 0.01}
        status = "complete" if chance.random() < 0.95 else chance.choice(("oom", "nan", "timeout"))
        curve.append({"step": _RUNGS[-1], "accuracy": accuracy, "loss": 1 - accuracy})
        yield "ended", {"status": status, "accuracy": accuracy, "seconds": 1.0, "message": "", "curve": curve}

    def _quietly(self, action):
        """Do something at which no fault strikes."""
        before, self.quiet = self.quiet, True
        try:
            return action()
        finally:
            self.quiet = before

    def _done(self, driver):
        return self._quietly(lambda: driver.desk.done)

    # -- the whole

    def run(self):
        """Search until the study is done: with faults at first, then without, by one driver that resumes."""
        most = self.rng.choice((1, 1, 2, 3))
        for _ in range(400):
            live = [driver for driver in self.drivers if not driver.dead]
            if len(live) < most and (not live or self.rng.random() < 0.2):
                self.begin()
                continue
            self.pass_time(self.rng.uniform(0.5, 5.0))
            driver = self.rng.choice(live)
            self.step(driver)
            if not driver.dead and self._done(driver) and self.rng.random() < 0.5:
                break
        self.quiet = True
        for driver in self.drivers:
            driver.dead = True
        self.begin()
        last = self.drivers[-1]
        for _ in range(4000):
            if self._done(last) and not last.at_work:
                break
            self.pass_time(5.0)
            self.step(last)
        # What somebody else took and never began is left when all is done, until its lease has run out.
        for _ in range(6):
            last.desk.let_go()
            self.now += 15.0
        return self


def accuracy_of(configuration):
    """Return what a configuration reaches: made up, the same each time."""
    return 0.4 + 0.5 * zlib.crc32(configuration.text.encode()) / 2**32


def patched(monkeypatch, world):
    """Let the study's own code see the world's processes instead of this one."""
    monkeypatch.setattr(asking, "this_owner", world.owner)
    monkeypatch.setattr(leases, "is_alive", world.is_alive)
