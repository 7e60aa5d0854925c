"""Trials in this process: Ctrl-C is never lost, and never breaks off a write to the study."""

import os
import signal
from types import SimpleNamespace

import pytest

from autopeft.launch.local import run_here


class Desk:
    """A desk without a study that notes what it hears, and presses Ctrl-C when it hears a given word."""

    done = False

    def __init__(self, press):
        self.heard = []
        self._press = press

    def _hear(self, word):
        self.heard.append(word)
        if word == self._press:
            os.kill(os.getpid(), signal.SIGINT)
            # A callback that loses what is raised in it goes on like this.
            self.heard.append("after")

    def next(self):
        self._hear("next")
        return SimpleNamespace(number=len(self.heard), configuration=None)

    def begun(self, number):
        self._hear("begun")

    def go_on(self, number, point):
        self._hear("rung")
        return True

    def record(self, number, outcome):
        self._hear("recorded")

    def close(self, reason):
        self.heard.append("closed")


class Job:
    """Trials of two rungs that press Ctrl-C in training, or not."""

    def __init__(self, press=False):
        self._press = press

    def runner(self):
        return None

    def start(self, runner, configuration):
        yield {"step": 1}
        if self._press:
            try:
                os.kill(os.getpid(), signal.SIGINT)
            except KeyboardInterrupt:
                if self._press == "lost":
                    yield {"step": 2}
                raise
        return {"status": "complete"}


@pytest.mark.parametrize("word", ["next", "begun", "rung", "recorded"])
def test_what_the_desk_does_is_done_before_the_search_ends(word):
    desk, before = Desk(press=word), signal.getsignal(signal.SIGINT)
    run_here(desk, Job(), deadline=None)
    assert "after" in desk.heard
    assert desk.heard[-1] == "closed"
    assert desk.heard.count("recorded") == (word == "recorded")
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("press", [True, "lost"])
def test_training_is_broken_off_at_once_or_at_the_next_rung(press):
    desk = Desk(press=None)
    run_here(desk, Job(press), deadline=None)
    assert desk.heard == ["next", "begun", "rung", *["rung"] * (press == "lost"), "closed"]
