"""Workers that keep what they have loaded; one that dies is replaced."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from autopeft.errors import DataError, RunError
from autopeft.launch import Crew, SearchPlan


@dataclass(frozen=True)
class Job:
    """Loads a runner that is nothing but a note of its loading."""

    notes: Path

    def runner(self):
        (self.notes / f"load-{os.getpid()}").touch()
        return os.getpid()


@dataclass(frozen=True)
class Square:
    number: int

    def __call__(self, runner):
        return runner, self.number**2


@dataclass(frozen=True)
class Die:
    """Kills its worker so many times."""

    notes: Path
    times: int

    def __call__(self, runner):
        deaths = len(list(self.notes.glob("death-*")))
        if deaths < self.times:
            (self.notes / f"death-{deaths}").touch()
            os._exit(1)
        return runner, -1


@dataclass(frozen=True)
class EndRay:
    """Ends the process that speaks to Ray, once."""

    notes: Path

    def __call__(self, runner):
        mark = self.notes / "ended"
        if not mark.exists():
            mark.touch()
            for each in psutil.Process().parents():
                if "autopeft.launch.ray_child" in each.cmdline():
                    each.kill()
            time.sleep(60)
        return runner, -2


@dataclass(frozen=True)
class Fail:
    error: Exception

    def __call__(self, runner):
        raise self.error


def test_in_this_process_the_runner_is_loaded_once(tmp_path):
    with Crew(SearchPlan.of({"workers": 0}), Job(tmp_path)) as crew:
        assert crew.size == 1
        found = [*crew.do([Square(2)]), *crew.do([Square(3)])]
    assert found == [(0, (os.getpid(), 4)), (0, (os.getpid(), 9))]
    assert len(list(tmp_path.glob("load-*"))) == 1


@pytest.mark.slow
def test_workers_stay_warm_and_the_dead_are_replaced(tmp_path):
    with Crew(SearchPlan.of({"workers": 2}), Job(tmp_path)) as crew:
        first = dict(crew.do([Square(number) for number in range(4)]))
        assert {index: square for index, (_, square) in first.items()} == {0: 0, 1: 1, 2: 4, 3: 9}
        assert len(list(tmp_path.glob("load-*"))) <= 2
        second = dict(crew.do([Die(tmp_path, 1), Square(5)]))
        assert [second[index][1] for index in (0, 1)] == [-1, 25]
        with pytest.raises(RunError, match="a worker failed: ValueError: no such thing"):
            list(crew.do([Fail(ValueError("no such thing"))]))
        with pytest.raises(DataError, match=r"^line 3 holds no text; mend it$"):
            list(crew.do([Fail(DataError("line 3 holds no text; mend it"))]))
        with pytest.raises(RunError, match="workers died over the same work"):
            list(crew.do([Die(tmp_path, 9)]))


@pytest.mark.slow
def test_what_was_under_way_when_ray_ended_is_done_again(tmp_path):
    with Crew(SearchPlan.of({"workers": 2}), Job(tmp_path)) as crew:
        found = dict(crew.do([Square(1), EndRay(tmp_path), *map(Square, range(2, 6))]))
    assert [found[index][1] for index in range(6)] == [1, -2, 4, 9, 16, 25]
