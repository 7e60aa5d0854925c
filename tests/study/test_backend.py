"""Databases that several work on, that are locked, or whose disk is full."""

import shutil
import sqlite3
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import optuna
import pytest
from optuna.trial import TrialState
from sqlalchemy import event

from autopeft.errors import RunError, StudyError
from autopeft.study import answering, backend, check_folder
from autopeft.study.backend import connect


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'study.db'}"


def new(url):
    return optuna.create_study(storage=connect(url), study_name="s", directions=["minimize", "maximize"])


def test_of_several_that_take_what_waits_at_once_one_has_each(url) -> None:
    study = new(url)
    for _ in range(24):
        study.enqueue_trial({})

    def take(_):
        mine = optuna.load_study(storage=connect(url), study_name="s")
        return [mine.ask().number for _ in range(6)]

    with ThreadPoolExecutor(4) as pool:
        taken = Counter(number for numbers in pool.map(take, range(4)) for number in numbers)
    assert taken == Counter(range(24))


def test_several_that_begin_at_once_make_one_study(url) -> None:
    def begin(_):
        storage = connect(url)
        return optuna.create_study(storage=storage, study_name="s", load_if_exists=True).study_name

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(begin, range(6))) == {"s"}


def test_a_locked_database_is_waited_for_and_then_told(url, monkeypatch, tmp_path) -> None:
    new(url)
    monkeypatch.setattr(backend, "PATIENCE_SECONDS", 0.3)
    study = optuna.load_study(storage=connect(url), study_name="s")
    other = sqlite3.connect(tmp_path / "study.db")
    other.execute("BEGIN EXCLUSIVE")
    said = r"^the study in a/study.db has been locked .*; finished trials are kept: run"
    with pytest.raises(RunError, match=said), answering("a/study.db"):
        study._storage.create_new_trial(study._study_id)
    other.rollback()
    assert study.ask().number == 0


def fill(study):
    while True:
        trial = study.ask()
        trial.set_user_attr("outcome", "x" * 2000)
        study.tell(trial, (1.0, 0.1))


def test_a_disk_that_fills_is_told_and_what_is_finished_stays_readable(url) -> None:
    study = new(url)
    study.add_trial(optuna.trial.create_trial(values=(1.0, 0.5), user_attrs={"what": "finished"}))
    event.listen(study._storage._backend.engine, "connect", lambda each, _: each.execute("PRAGMA max_page_count = 60"))
    study._storage._backend.engine.dispose()
    said = r"^the disk of a/study.db is full; make room, finished trials are kept: run the same command again$"
    with pytest.raises(RunError, match=said), answering("a/study.db"):
        fill(study)
    again = optuna.load_study(storage=connect(url), study_name="s")
    assert again.trials[0].user_attrs == {"what": "finished"}
    ended = [trial for trial in again.trials if trial.state == TrialState.COMPLETE]
    assert all("outcome" in trial.user_attrs for trial in ended[1:])


def test_a_disk_without_room_is_told_before_a_search(tmp_path, monkeypatch) -> None:
    check_folder(tmp_path / "run")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: (2**30, 0, 10 * 2**20))
    with pytest.raises(StudyError, match="has 10 MiB free, and a search may write 64 MiB; make room, or choose"):
        check_folder(tmp_path / "run")
