"""Runs that the tests of reports share; they are only read."""

import pytest

from autopeft.reporting import read_run
from tests.reporting.runs import add_finalists, make_run

#: How much lower the finalists are on test than on validation.
LOWER = -0.02


@pytest.fixture(scope="session")
def plain(tmp_path_factory):
    """A run of one cost, with trials that stopped and failed, and without finalists."""
    return read_run(make_run(tmp_path_factory.mktemp("runs") / "plain run", trials=20))


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """The same with finalists, a little lower on test."""
    folder = make_run(tmp_path_factory.mktemp("runs") / "finished", trials=20)
    add_finalists(read_run(folder), gain=LOWER)
    return read_run(folder)


@pytest.fixture(scope="session")
def many(tmp_path_factory):
    """A run of two costs, with finalists."""
    folder = make_run(tmp_path_factory.mktemp("runs") / "many", costs=("params", "bytes"))
    add_finalists(read_run(folder))
    return read_run(folder)


@pytest.fixture(scope="session")
def causal(tmp_path_factory):
    """A run on a decoder."""
    return read_run(make_run(tmp_path_factory.mktemp("runs") / "causal", causal=True))


@pytest.fixture(scope="session")
def empty(tmp_path_factory):
    """A run in which no trial has ended yet."""
    return read_run(make_run(tmp_path_factory.mktemp("runs") / "empty", trials=0))


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """A run of the two baselines alone."""
    return read_run(make_run(tmp_path_factory.mktemp("runs") / "tiny", trials=2))
