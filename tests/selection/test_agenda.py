"""One queue: no worker waits while anything can be done, and the race is that of one after the other."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autopeft.errors import RunError
from autopeft.selection.agenda import Agenda
from autopeft.selection.contenders import Contender
from autopeft.selection.errands import Train, Trained, TryRate
from autopeft.selection.racing import LEAST_SEEDS
from autopeft.selection.records import Records
from autopeft.space import Configuration
from autopeft.trials import TrialSetting

EXAMPLES = 40


def contender(name, cost, baseline=None, role=None, rate=0.01, asked=False, fixed=False):
    configuration = Configuration.from_dict({"modules": {}, "training": {"learning_rate": rate}})
    return Contender(name, role or name, configuration, (cost,), 1, 1, baseline, asked, fixed)


CONTENDERS = [
    contender("trial-1", 5.0),
    contender("trial-2", 8.0),
    contender("head", 0.0, "head", rate=0.5),
    *(contender(f"stock-lora-{rate:g}", 10.0, "stock-lora", "stock-lora", rate) for rate in (0.001, 0.01)),
]


class World:
    """Works off an agenda with so many workers, which finish in an order of their own."""

    def __init__(self, folder, workers, rng, contenders=CONTENDERS, failing=(), sharper=lambda finalists, entries: ()):
        self.records = Records(Path(folder), TrialSetting(examples=8, validation_examples=4), {"data": "x"}, seed=0)
        self.rng, self.workers, self.failing = rng, workers, failing
        self.said, self.idle = [], 0
        self.agenda = Agenda(contenders, self.records, 13, workers, self.said.append, self.keep, sharper)

    def keep(self, contender, index, trained):
        self.records.scratch(contender, index).mkdir(parents=True, exist_ok=True)
        self.records.keep(contender, index, trained.validation)

    def work(self):
        working = []
        while True:
            while len(working) < self.workers and (named := self.agenda.next()) is not None:
                assert named[0] not in [job for job, _ in working]
                working.append(named)
            if not working:
                return
            self.idle += self.workers - len(working)
            job, errand = working.pop(self.rng.integers(len(working)))
            self.agenda.done(job, self.result(job, errand))

    def result(self, job, errand):
        if isinstance(errand, TryRate):
            return (None, "nan") if job.contender.name in self.failing else (0.5, "")
        assert isinstance(errand, Train)
        assert errand.seed == job.index + 1
        if job.contender.name in self.failing:
            return Trained(None, 1.0, "oom: out of memory")
        drawn = np.random.default_rng((job.contender.costs[0].__hash__(), job.index))
        level = {"trial-1": 0.4, "trial-2": 0.75, "head": 0.4}.get(job.contender.name, 0.7)
        return Trained((drawn.random(EXAMPLES) < level).astype(float), 1.0)


@settings(max_examples=20, deadline=None)
@given(workers=st.integers(1, 4), seed=st.integers(0, 1000))
def test_a_race_ends_with_finalists_of_enough_seeds(tmp_path_factory, workers, seed):
    world = World(tmp_path_factory.mktemp("run"), workers, np.random.default_rng(seed))
    world.work()
    finalists = world.agenda.finalists()
    assert {"head", "stock-lora"} <= {each.role for each in finalists}
    seeds = {each.name: len(world.records.validation(each)) for each in finalists}
    assert min(seeds.values()) >= LEAST_SEEDS
    # A quarter of the seeds that the four could have, and what was under way when that was reached.
    everyone = sum(len(world.records.validation(each)) for each in CONTENDERS)
    assert everyone <= 13 * 4 // 4
    assert world.agenda.next() is None


def test_the_race_goes_on_while_rates_are_looked_at(tmp_path):
    world = World(tmp_path, 9, np.random.default_rng(0))
    begun = [world.agenda.next()[0] for _ in range(9)]
    assert [job.index for job in begun[:2]] == [None, None]
    # Two seeds of the candidates, and of the head, which stays whatever happens, three.
    named = [(job.contender.name, job.index) for job in begun[2:]]
    assert sorted(named) == [
        *(("head", index) for index in range(3)),
        *((f"trial-{number}", index) for number in (1, 2) for index in range(2)),
    ]
    assert world.agenda.next() is None


def test_what_was_asked_for_by_name_is_a_finalist_however_it_does(tmp_path):
    # Level with the head, and dearer.
    worse = contender("trial-1", 20.0)
    for asked in (False, True):
        field = [replace(worse, asked=asked), *CONTENDERS[1:]]
        world = World(tmp_path / str(asked), 2, np.random.default_rng(0), contenders=field)
        world.work()
        assert ("trial-1" in [each.name for each in world.agenda.finalists()]) is asked


def test_who_fails_is_left_out_and_no_reference_is_an_error(tmp_path):
    world = World(tmp_path / "one", 2, np.random.default_rng(0), failing=["trial-1"])
    world.work()
    assert "trial-1" not in [each.name for each in world.agenda.finalists()]
    assert "trial-1 seed 1 failed, so trial-1 is left out: oom: out of memory" in world.said
    world = World(tmp_path / "none", 2, np.random.default_rng(0), failing=["stock-lora-0.001", "stock-lora-0.01"])
    with pytest.raises(RunError, match="no reference could be trained"):
        world.work()


def test_what_is_done_is_not_done_again(tmp_path):
    first = World(tmp_path, 2, np.random.default_rng(0))
    first.work()
    again = World(tmp_path, 2, np.random.default_rng(1))
    assert again.agenda.next() is None
    assert [each.name for each in again.agenda.finalists()] == [each.name for each in first.agenda.finalists()]


def test_when_the_race_is_over_seeds_go_where_they_are_asked_for(tmp_path):
    def sharper(finalists, entries):
        return [
            place for place, entry in enumerate(entries) if finalists[place].name == "head" and len(entry.scores) < 9
        ]

    world = World(tmp_path, 3, np.random.default_rng(0), sharper=sharper)
    world.work()
    assert world.agenda.finalists()
    [head] = [each for each in CONTENDERS if each.name == "head"]
    assert world.records.trained(head) == list(range(9))
