"""Several processes drive one search, and are killed and suspended at any moment."""

import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing

import optuna
import pytest
from optuna.trial import TrialState

from autopeft.space import Configuration
from autopeft.study import counts, is_void, outcome_of
from autopeft.study.backend import connect
from tests.faults.driver import accuracy_of

pytestmark = pytest.mark.slow

TOTAL = 40


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'study.db'}"
    return request.getfixturevalue("new_database")()


@pytest.fixture
def begin(url, tmp_path):
    drivers = []

    def start(*within):
        command = [*within, sys.executable, "-m", "tests.faults.driver", url, str(TOTAL), str(tmp_path / "log")]
        drivers.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        return drivers[-1]

    yield start
    for driver in drivers:
        driver.kill()
        driver.communicate()


def ended(driver):
    """Return the last word of a driver that ends by itself."""
    # Not from `communicate`, which does not see what `readline` has read ahead.
    out = driver.stdout.read()
    _, err = driver.communicate(timeout=240)
    assert driver.returncode == 0, err
    return out.split()[-1]


def check(url):
    """Check that a study has all its trials, each once and as it was."""
    trials = optuna.load_study(study_name="shared", storage=connect(url)).trials
    ended = [trial for trial in trials if counts(trial)]
    assert len(ended) == TOTAL
    texts = Counter(Configuration.from_dict(trial.user_attrs["configuration"]).text for trial in ended)
    assert set(texts.values()) == {1}
    for trial in ended:
        if trial.state == TrialState.COMPLETE:
            right = accuracy_of(Configuration.from_dict(trial.user_attrs["configuration"]))
            assert trial.values[-1] == trial.user_attrs["outcome"]["accuracy"] == right
    baselines = [trial.user_attrs["baseline"] for trial in ended if "baseline" in trial.user_attrs]
    assert sorted(baselines) == ["head-only", "stock-lora"]
    real = [trial for trial in trials if not is_void(trial)]
    assert not [trial for trial in real if trial.state == TrialState.RUNNING]
    return trials


def test_two_that_start_at_once_share_the_trials_and_keep_the_total(url, begin, tmp_path) -> None:
    drivers = [begin(), begin()]
    assert [ended(driver) for driver in drivers] == ["done", "done"]
    check(url)
    by = Counter(line.split()[0] for line in (tmp_path / "log").read_text().splitlines())
    assert set(by) == {str(driver.pid) for driver in drivers}
    assert sum(by.values()) == TOTAL


def test_kills_at_any_moment_lose_change_and_double_nothing(url, begin) -> None:
    chance = random.Random(5)
    drivers = [begin(), begin()]
    for _ in range(6):
        time.sleep(chance.uniform(0.2, 1.0) if drivers[0].poll() is None else 0)
        if chance.random() < 0.3:
            for driver in drivers:
                driver.kill()
            drivers = [begin(), begin()]
        else:
            drivers.pop(chance.randrange(len(drivers))).kill()
            drivers.append(begin())
        drivers[-1].stdout.readline()
    assert {ended(driver) for driver in drivers} == {"done"}
    check(url)


def suspend(driver, url):
    """Suspend a driver while it trains: one that holds a lock of SQLite's would hold it as long."""
    while True:
        time.sleep(0.3)
        driver.send_signal(signal.SIGSTOP)
        # A signal arrives when it arrives.
        time.sleep(0.3)
        if not url.startswith("sqlite"):
            return
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=0.1)) as connection:
            try:
                connection.execute("BEGIN EXCLUSIVE")
                connection.rollback()
                return
            except sqlite3.OperationalError:
                driver.send_signal(signal.SIGCONT)


def test_one_that_was_suspended_beyond_its_leases_cannot_tell_any_more(url, begin) -> None:
    sleeper = begin()
    sleeper.stdout.readline()
    suspend(sleeper, url)
    assert ended(begin()) == "done"
    sleeper.send_signal(signal.SIGCONT)
    assert ended(sleeper) == "done"
    trials = check(url)
    lost = [trial for trial in trials if not is_void(trial) and outcome_of(trial).get("status") == "killed"]
    assert len(lost) <= 1


#: Another host's name and processes, as another machine has them: what lives there cannot be seen from here.
ELSEWHERE = ("unshare", "--uts", "--pid", "--mount-proc", "--fork", "--kill-child")
NAMED = ("sh", "-c", 'hostname elsewhere && exec "$@"', "sh")


@pytest.fixture
def elsewhere():
    tried = subprocess.run([*ELSEWHERE, *NAMED, "true"], capture_output=True, text=True)
    if tried.returncode:
        pytest.skip(f"no other host can be made here: {tried.stderr.strip()}")
    return *ELSEWHERE, *NAMED


def at_work(url):
    study = optuna.load_study(study_name="shared", storage=connect(url))
    running = {trial.number: trial.user_attrs for trial in study.get_trials(states=(TrialState.RUNNING,))}
    # Who is killed between asking and beginning leaves one that nobody has.
    return {number: attrs for number, attrs in running.items() if "owner" in attrs}


def test_what_was_killed_on_another_host_is_freed_when_its_leases_have_run_out(url, begin, elsewhere) -> None:
    for _ in range(5):
        there = begin(*elsewhere)
        there.stdout.readline()
        time.sleep(1)
        there.kill()
        there.wait()
        if left := at_work(url):
            break
    assert {attrs["owner"]["host"] for attrs in left.values()} == {"elsewhere"}
    assert ended(begin()) == "done"
    trials = check(url)
    assert {outcome_of(trials[number])["message"] for number in left} == {"its process is gone"}


def test_processes_of_two_hosts_leave_each_other_what_they_have(url, begin, elsewhere, tmp_path) -> None:
    drivers = [begin(), begin(*elsewhere)]
    assert [ended(driver) for driver in drivers] == ["done", "done"]
    trials = check(url)
    lost = [trial for trial in trials if not is_void(trial) and outcome_of(trial).get("status") == "killed"]
    assert not lost
    assert {trial.user_attrs["owner"]["host"] for trial in trials if counts(trial)} > {"elsewhere"}
    assert len((tmp_path / "log").read_text().splitlines()) == TOTAL
