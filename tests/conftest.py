"""One thread for each of the test processes, which share the cores; and no test fails because a machine is slow."""

import os
from collections.abc import Callable, Iterator
from itertools import count

import pytest
from hypothesis import settings

if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def new_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], str]]:
    """Return what makes a database in a PostgreSQL server, and returns its URL."""
    import pgserver

    server, numbers = pgserver.get_server(tmp_path_factory.mktemp("postgresql")), count()

    def make() -> str:
        name = f"database_{next(numbers)}"
        server.psql(f"CREATE DATABASE {name};")
        return str(server.get_uri(name))

    yield make
    server.cleanup()
