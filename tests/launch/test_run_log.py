"""What happens in a run is written down, a line each, and never in its way."""

import os
import signal
from datetime import datetime, timedelta
from multiprocessing import get_context

import pytest

from autopeft.launch import RunLog, Silent
from autopeft.launch import run_log as module
from autopeft.log_lines import RUN_LOG, read_log
from autopeft.space import Configuration
from autopeft.study import Ask
from autopeft.study.owner import this_owner
from tests.launch.conftest import complete

TRIAL = Ask(3, Configuration.from_dict({"modules": {}, "training": {}}), "head-only")


class Heard(Silent):
    def __init__(self):
        self.heard = []

    def opened(self, done):
        self.heard.append(("opened", done))

    def started(self, trial):
        self.heard.append(("started", trial.number))

    def finished(self, trial, outcome, params, front):
        self.heard.append(("finished", trial.number, outcome["status"], params))

    def said(self, message):
        self.heard.append(("said", message))


def entries(folder):
    return [line.entry for line in read_log(folder)]


def facts(entry):
    return {name: value for name, value in entry.items() if name not in ("time", "process")}


def test_every_event_is_a_line_and_is_passed_on(tmp_path):
    heard = Heard()
    curve = [{"step": 1, "accuracy": 0.2}, {"step": 2, "accuracy": 0.3}]
    with RunLog(tmp_path, heard) as log:
        log.opened(4)
        log.started(TRIAL)
        log.finished(TRIAL, complete(0.5) | {"curve": curve, "detail": "long"}, 9, None)
        log.finished(TRIAL, {"status": "stopped", "seconds": 1.5, "curve": curve}, 9, None)
        log.finished(TRIAL, {"status": "oom", "accuracy": None, "message": "too\nbig", "seconds": 2.0}, 9, None)
        log.said("a é message")
        log.complete = True
    found = entries(tmp_path)
    *rest, last = map(facts, found)
    assert rest == [
        {"event": "opened", "message": "search, 4 trials are done"},
        {"event": "started", "trial": 3, "message": "no adapters"},
        {"event": "finished", "trial": 3, "status": "complete", "accuracy": 0.5, "seconds": 0.1},
        {"event": "finished", "trial": 3, "status": "stopped", "accuracy": 0.3, "seconds": 1.5},
        {"event": "finished", "trial": 3, "status": "oom", "message": "too big", "seconds": 2.0},
        {"event": "said", "message": "a é message"},
    ]
    assert (last["event"], last["status"]) == ("ended", "complete")
    assert [each["process"] for each in found] == [this_owner()] * 7
    times = [datetime.fromisoformat(each["time"]) for each in found]
    assert times == sorted(times)
    assert all(each.utcoffset() == timedelta() for each in times)
    assert [each[0] for each in heard.heard] == ["opened", "started", "finished", "finished", "finished", "said"]


@pytest.mark.parametrize(
    ("error", "status"),
    [(ValueError("no such\nthing"), "failed"), (KeyboardInterrupt(), "interrupted"), (None, "interrupted")],
)
def test_the_end_says_how_it_was(tmp_path, error, status):
    try:
        with RunLog(tmp_path, Silent()):
            if error is not None:
                raise error
    except type(error):
        pass
    [last] = entries(tmp_path)
    assert (last["event"], last["status"]) == ("ended", status)
    assert last.get("message") == ("no such thing" if status == "failed" else None)


def test_what_is_said_before_the_folder_is_held_waits_for_it(tmp_path):
    heard = Heard()
    log = RunLog(tmp_path / "run", heard)
    log.said("early")
    assert heard.heard == [("said", "early")]
    assert not (tmp_path / "run").exists()
    (tmp_path / "run").mkdir()
    with log:
        log.said("late")
    assert [each.get("message") for each in entries(tmp_path / "run")] == ["early", "late", None]


def test_the_log_stays_small(tmp_path):
    with RunLog(tmp_path, Silent()) as log:
        log.said("x" * 100_000)
    assert (tmp_path / RUN_LOG).stat().st_size < 2_000


def test_a_line_that_was_torn_costs_no_other(tmp_path):
    for number in range(2):
        with RunLog(tmp_path, Silent()) as log:
            log.said(str(number))
        with (tmp_path / RUN_LOG).open("ab") as file:
            file.write(b'{"time": "2026-')
    assert [each and each["event"] for each in entries(tmp_path)] == ["said", "ended", None, "said", "ended", None]


@pytest.mark.parametrize("name", ["open", "write"])
def test_a_disk_that_is_full_does_not_end_the_run_and_is_told_once(tmp_path, monkeypatch, name):
    def full(*_):
        raise OSError(28, "No space left on device")

    heard = Heard()
    with RunLog(tmp_path, heard) as log:
        monkeypatch.setattr(module.os, name, full)
        log.said("one")
        log.started(TRIAL)
        monkeypatch.undo()
        log.said("two")
    told = [message for what, message in heard.heard if what == "said"]
    assert told == [
        f"{tmp_path / RUN_LOG} cannot be written (No space left on device); the run goes on without it",
        "one",
        "two",
    ]
    assert [each.get("message") for each in entries(tmp_path)] == ["two", None]


def test_a_line_of_which_the_disk_took_a_part_costs_no_other(tmp_path, monkeypatch):
    write = os.write
    with RunLog(tmp_path, Silent()) as log:
        monkeypatch.setattr(module.os, "write", lambda file, line: write(file, line[:25]))
        log.said("one")
        monkeypatch.undo()
        log.said("two")
    assert [each and each.get("message") for each in entries(tmp_path)] == [None, "two", None]


def write_lines(folder, name, count, ready):
    with RunLog(folder, Silent()) as log:
        ready.wait()
        for number in range(count):
            log.said(f"{name} {number} " + "x" * 900)


def test_two_writers_never_mix_their_lines_and_a_kill_costs_at_most_one(tmp_path):
    # Forked, for a new process takes seconds to import what it needs.
    fork = get_context("fork")
    ready = fork.Barrier(3)
    one, other, killed = (
        fork.Process(target=write_lines, args=(tmp_path, name, count, ready))
        for name, count in (("one", 300), ("other", 300), ("killed", 100_000))
    )
    for process in (one, other, killed):
        process.start()
    one.join(60)
    other.join(60)
    killed.kill()
    killed.join(60)
    assert (one.exitcode, other.exitcode, killed.exitcode) == (0, 0, -signal.SIGKILL)
    lines = list(read_log(tmp_path))
    assert all(line.entry is not None for line in lines[:-1])
    said = [line.entry["message"].split()[:2] for line in lines[:-1] if line.entry["event"] == "said"]
    for name in ("one", "other"):
        assert [number for who, number in said if who == name] == [str(number) for number in range(300)]
    assert len([number for who, number in said if who == "killed"]) > 1
