"""A selection in one process whose process is killed, by a seed, at any of the moments at which it changes a file."""

from __future__ import annotations

import random
import sys
from collections import Counter
from pathlib import Path

import numpy as np

from autopeft import whole_folder
from autopeft.selection.records import count_reading, readings
from tests.selection.test_agenda import CONTENDERS, World
from tests.simulation.storage import Killed

__all__ = ["Selection"]

#: What Python tells of before it does it.
_CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link")

_playing: Selection | None = None


def _hear(event, args):
    if _playing is not None and (event in _CHANGES or (event == "open" and isinstance(args[1], str))):
        _playing.strike(event, args)


sys.addaudithook(_hear)


class Selection:
    """A race and the measuring of its finalists, gone on with after each kill.

    Args:
        seed: Decides when its process is killed.
        folder: The run folder.
        kill: Probability of it at each change of a file.
    """

    def __init__(self, seed: int, folder: Path, kill: float = 0.01) -> None:
        self.rng, self.folder, self.kill = random.Random(seed), folder, kill
        self.trained, self.kept, self.read, self.deaths = Counter(), {}, 0, 0
        self.dead = False
        self.faults: list[str] = []

    def strike(self, event, args):
        """Kill the process, or not, before it changes a file of the run; a dead one changes nothing any more."""
        if not any(str(arg).startswith(str(self.folder)) for arg in args[:2]):
            return
        if event == "open" and not set("wax+").intersection(args[1]):
            return
        if self.dead or self.rng.random() < self.kill:
            self.dead = True
            raise Killed

    def run(self, monkeypatch):
        """Go on until it is done, and note what is wrong."""
        global _playing
        # A lock would stay with this process, which lives.
        monkeypatch.setattr(whole_folder, "_lock", lambda folder: None)
        for _ in range(60):
            self.dead, _playing = False, self
            try:
                self._once()
                break
            except Killed:
                self.deaths += 1
            finally:
                _playing = None
        else:
            self.faults.append("it never ends")
        return self

    def _once(self):
        world = World(self.folder, 1, np.random.default_rng(0))
        result, keep = world.result, world.keep

        def counting(job, errand):
            if job.index is not None:
                self.trained[job.contender.name, job.index] += 1
                if (job.contender.name, job.index) in self.kept:
                    self.faults.append("a training that was kept is done again")
            return result(job, errand)

        def keeping(contender, index, trained):
            keep(contender, index, trained)
            self.kept[contender.name, index] = trained.validation

        world.result, world.agenda._keep = counting, keeping
        world.work()
        finalists = world.agenda.finalists()
        for contender in finalists:
            for index in world.records.trained(contender):
                if world.records.test(contender, index) is None:
                    count_reading(self.folder, f"{contender.name} {index}")
                    self.read += 1
                    world.records.keep_test(contender, index, np.full(4, 0.5))
        if readings(self.folder) < self.read:
            self.faults.append("readings of test are counted as fewer")
        for contender in CONTENDERS:
            for index, found in zip(world.records.trained(contender), world.records.validation(contender), strict=True):
                if not np.array_equal(found, self.kept.get((contender.name, index), found)):
                    self.faults.append("a training is otherwise than it was kept")
        names = {contender.name for contender in finalists}
        if not {name for name, _ in self.kept} >= names or not {"head"} <= names:
            self.faults.append("a finalist was never trained")
