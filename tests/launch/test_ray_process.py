"""Ray may end at any time: it is started anew, and what was at work is done again."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from optuna.trial import TrialState

from autopeft.errors import RunError
from autopeft.launch.places import Places
from autopeft.launch.ray_process import RayGoneError, RayProcess
from autopeft.launch.workers import run_in_workers
from autopeft.study import counted, outcome_of
from tests.launch.test_tune import Job

pytestmark = pytest.mark.slow


def ended(pid):
    """Wait until a process is gone."""
    for _ in range(200):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.1)
    return False


def part(ray, name):
    """Return a process of Ray by its name, or the one that speaks to Ray."""
    speaks = psutil.Process(ray._process.pid)
    if name == "speaker":
        return speaks
    [found] = [each for each in speaks.children(recursive=True) if each.name() == name]
    return found


@pytest.fixture
def notes(tmp_path):
    folder = tmp_path / "notes"
    folder.mkdir()
    return folder


class Killing:
    """A listener that kills a part of Ray when a trial has begun."""

    def __init__(self, name, times):
        self.heard, self.seconds, self.speakers = [], [], set()
        self._name, self._times = name, times
        self.ray = None

    def opened(self, done):
        pass

    def started(self, trial):
        self.speakers.add(self.ray._process.pid)
        if self.seconds and self.seconds[-1] is None:
            self.seconds[-1] = time.monotonic() - self._at
        if self._times:
            self._times -= 1
            part(self.ray, self._name).kill()
            self._at = time.monotonic()
            self.seconds.append(None)

    def measured(self, trial, point):
        pass

    def finished(self, trial, outcome, params, front):
        pass

    def said(self, message):
        self.heard.append(message)


@pytest.mark.parametrize("name", ["speaker", "raylet", "gcs_server"])
def test_what_ends_of_ray_is_replaced_within_half_a_minute(make_desk, notes, name):
    listener = Killing(name, 1)
    desk = make_desk(total=4, listener=listener)
    with RayProcess(Places(2, 0), None) as listener.ray:
        run_in_workers(desk, Job(notes, 0.5), ray=listener.ray, deadline=None)
        assert listener.ray._process is None
    assert counted(desk.study) == 4
    states = [trial.state for trial in desk.study.trials]
    assert states.count(TrialState.COMPLETE) == 4
    lost = {outcome_of(trial)["message"] for trial in desk.study.trials if trial.state == TrialState.FAIL}
    assert lost == {"Ray has ended"}
    assert [each for each in listener.heard if "started anew" in each]
    assert listener.seconds[0] < 30
    assert len(listener.speakers) == 2
    assert all(ended(pid) for pid in listener.speakers)


def test_a_ray_that_keeps_ending_ends_the_search_in_one_sentence(make_desk, notes):
    listener = Killing("raylet", 9)
    desk = make_desk(total=4, listener=listener)
    with (
        RayProcess(Places(1, 0), None) as listener.ray,
        pytest.raises(RunError, match="3 times by now; what is finish"),
    ):
        run_in_workers(desk, Job(notes, 0.5), ray=listener.ray, deadline=None)
    assert TrialState.RUNNING not in [trial.state for trial in desk.study.trials]
    # Each baseline has ended or waits for the next run: none is to blame.
    kept = [trial for trial in desk.study.trials if trial.state != TrialState.FAIL]
    assert sorted(trial.user_attrs["baseline"] for trial in kept if "baseline" in trial.user_attrs) == [
        "head-only",
        "stock-lora",
    ]


SEARCH = """
import sys
from pathlib import Path
from autopeft.launch.places import Places
from autopeft.launch.ray_process import RayProcess
ray = RayProcess(Places(1, 0), None)
print(ray.in_worker(print), ray._folders[0], ray._process.pid, flush=True)
input()
"""


def test_ray_ends_with_the_process_it_serves():
    ours = subprocess.Popen([sys.executable, "-c", SEARCH], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    *_, folder, pid = ours.stdout.readline().split()
    speaker = int(pid)
    assert Path(folder).is_dir()
    children = [each.pid for each in psutil.Process(speaker).children(recursive=True)]
    assert len(children) >= 2
    ours.kill()
    ours.wait()
    assert all(ended(each) for each in (speaker, *children))
    assert not Path(folder).exists()


def test_ctrl_c_ends_a_search_and_keeps_what_is_finished(make_desk, notes):
    class Pressing(Killing):
        def finished(self, trial, outcome, params, front):
            os.kill(os.getpid(), signal.SIGINT)

    listener = Pressing("", 0)
    desk = make_desk(total=100, listener=listener)
    with RayProcess(Places(2, 0), None) as listener.ray:
        run_in_workers(desk, Job(notes, 0.5), ray=listener.ray, deadline=None)
        assert listener.ray._process is None
    states = [trial.state for trial in desk.study.trials]
    assert states.count(TrialState.COMPLETE) == 1
    assert TrialState.RUNNING not in states


def test_a_task_that_is_left_alone_ends_its_process():
    with RayProcess(Places(1, 0), None) as ray:
        talk = ray.talk("tests.launch.test_ray_process:asks", {})
        assert next(talk) == ("something", ())
        pid = ray._process.pid
        talk.close()
        assert ended(pid)
        assert ray.in_worker(os.getpid) != os.getpid()
        part(ray, "speaker").kill()
        with pytest.raises(RayGoneError, match="Ray has ended on its own"):
            ray.call("tests.launch.test_ray_process:asks", Path())


def asks(asking):
    return asking.ask("something")
