"""What a process knows of the trials in a database: as they are, and read again only where they have changed."""

import random
from functools import partial

import optuna
import pytest
from optuna.trial import TrialState

from autopeft.study import renew, snapshot
from autopeft.study.backend import connect
from autopeft.study.reading import KnownTrials


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'study.db'}"


def opened(url):
    directions = ["minimize", "maximize"]
    return optuna.create_study(
        storage=KnownTrials(connect(url)), study_name="s", directions=directions, load_if_exists=True
    )


def test_whatever_several_do_each_sees_the_trials_as_they_are(url) -> None:
    chance, processes = random.Random(0), [opened(url) for _ in range(2)]
    # Of a database alone nothing is remembered.
    as_it_is = partial(connect(url).get_all_trials, processes[0]._study_id)
    for step in range(60):
        study = chance.choice(processes)
        at_work = [trial for trial in as_it_is() if trial.state == TrialState.RUNNING]
        doing = chance.choice(("ask", "ask", "enqueue", "attr", "param", "end", "look"))
        if doing == "ask":
            study.ask()
        elif doing == "enqueue":
            study.enqueue_trial({}, user_attrs={"step": step})
        elif doing != "look" and at_work:
            trial = optuna.trial.Trial(study, chance.choice(at_work)._trial_id)
            if doing == "attr":
                trial.set_user_attr(chance.choice("ab"), step)
            elif doing == "param":
                trial.suggest_int(chance.choice("xy"), 0, 9)
            else:
                study.tell(trial, (1.0, 2.0))
        looking = chance.choice(processes)
        assert looking.get_trials() == as_it_is()
    assert {TrialState.RUNNING, TrialState.COMPLETE} <= {trial.state for trial in as_it_is()}


def test_trials_at_work_that_have_not_changed_are_not_read_again(url, monkeypatch) -> None:
    study, other = opened(url), opened(url)
    for _ in range(5):
        study.ask()
    study.get_trials()
    read = []
    backend = study._storage._backend
    get = backend._get_trials
    monkeypatch.setattr(backend, "_get_trials", lambda *args: read.append(found := get(*args)) or found)
    assert len(study.get_trials()) == 5
    assert read == []
    other._storage.set_trial_user_attr(other.get_trials()[3]._trial_id, "a", 1)
    assert study.get_trials()[3].user_attrs == {"a": 1}
    assert [[trial.number for trial in found] for found in read] == [[3]]


def test_a_study_is_read_whole_once(url, monkeypatch) -> None:
    first = opened(url)
    for _ in range(3):
        first.tell(first.ask(), (1.0, 2.0))
    study = opened(url)
    looked = []
    rows = study._storage._rows
    monkeypatch.setattr(study._storage, "_rows", lambda *args: looked.append(found := rows(*args)) or found)
    study.ask()
    assert len(study.get_trials()) == len(study.get_trials()) == 4
    # At what has ended nobody looks again.
    assert [len(found) for found in looked] == [1] * len(looked)


def test_what_could_not_be_read_is_read_the_next_time(url, monkeypatch) -> None:
    study, other = opened(url), opened(url)
    number = study.ask().number
    study.get_trials()
    other._storage.set_trial_user_attr(other.get_trials()[number]._trial_id, "a", 1)
    with monkeypatch.context() as within:
        within.setattr(study._storage._backend, "_get_trials", None)
        with pytest.raises(TypeError):
            study.get_trials()
    assert study.get_trials()[number].user_attrs == {"a": 1}


def test_a_lease_is_renewed_without_a_look_at_the_trials(url, monkeypatch) -> None:
    study = opened(url)
    study.ask()
    monkeypatch.setattr(study._storage, "get_all_trials", None)
    assert renew(study, 0, 0)
    study._storage.set_trial_state_values(1, TrialState.FAIL)
    assert not renew(study, 0, 1)


def test_a_dropped_study_is_missed(url) -> None:
    study = opened(url)
    study.ask()
    study.get_trials()
    optuna.delete_study(study_name="s", storage=connect(url))
    with pytest.raises(KeyError, match="Record does not exist"):
        study.get_trials()


def test_a_snapshot_is_read_once_and_stays_as_it_was(url) -> None:
    study = opened(url)
    study.ask()
    seen = snapshot(study)
    assert len(seen.get_trials(states=(TrialState.RUNNING,))) == 1
    study.ask()
    study.tell(0, state=TrialState.FAIL)
    assert [trial.state for trial in seen.get_trials()] == [TrialState.RUNNING]
    assert len(snapshot(study).get_trials()) == 2
