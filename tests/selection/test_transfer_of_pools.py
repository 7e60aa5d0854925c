"""Finalists that chose rows from a pool are not carried to a task without one."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from autopeft.errors import AutopeftError
from autopeft.launch import SearchPlan
from autopeft.selection import transfer


@pytest.fixture
def run(monkeypatch):
    configuration = {"modules": {"lora": {"rank": 1}}, "data": {"select": "random", "share": 0.5}}
    monkeypatch.setattr(transfer, "_finalists", lambda run: run)
    monkeypatch.setattr(transfer, "_searched", lambda file: [SimpleNamespace(name="x", configuration=configuration)])
    monkeypatch.setattr(transfer, "weights_of", lambda run: False)
    return SimpleNamespace(plan=SearchPlan.of({"data": "a.csv", "pool": "p.csv"}), folder=Path("runs/a"))


def test_a_pool_of_the_other_task_is_asked_for(run):
    with pytest.raises(AutopeftError, match=r"for the other task none is named; give one by --pool"):
        transfer.plan_of_transfer(run, {"data": "b.csv"})
    assert transfer.plan_of_transfer(run, {"data": "b.csv", "pool": "q.csv"}).pool == Path("q.csv")


def test_without_one_here_none_is_asked_for_there(run):
    run.plan = SearchPlan.of({"data": "a.csv"})
    assert transfer.plan_of_transfer(run, {"data": "b.csv"}).pool is None
