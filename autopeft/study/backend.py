"""The databases that studies live in, so that several processes may work on one."""

from __future__ import annotations

from typing import Any

import optuna
from sqlalchemy import event

from autopeft.errors import StudyError

__all__ = ["PATIENCE_SECONDS", "connect"]

#: So long a database is waited for that another process holds locked.
PATIENCE_SECONDS = 60.0

_MADE_MEANWHILE = ("already exists", "duplicate key", "UNIQUE constraint")


def connect(url: str, *, reading: bool = False) -> optuna.storages.RDBStorage:
    """Connect to a database.

    Args:
        url: Its RDB URL.
        reading: Whether nothing will be written, as where the file cannot be.

    Raises:
        StudyError: When it cannot be opened.
    """
    sqlite = url.startswith("sqlite")
    # A server may have been started anew since; SQLite waits in the library.
    options: dict[str, Any] = {"connect_args": {"timeout": PATIENCE_SECONDS}} if sqlite else {"pool_pre_ping": True}
    try:
        try:
            storage = optuna.storages.RDBStorage(url, engine_kwargs=options)
        except Exception as error:
            # Two that begin at once both make the tables.
            if not any(words in str(error) for words in _MADE_MEANWHILE):
                raise
            storage = optuna.storages.RDBStorage(url, engine_kwargs=options)
    except Exception as error:
        raise StudyError(
            f"cannot open the storage {url}: {error}; expected an RDB URL such as sqlite:///study.db"
        ) from None
    if sqlite and not reading:
        # Else two processes read that a trial waits before one of them takes it, and both do.
        event.listen(storage.engine, "connect", _leave_transactions_to_us)
        event.listen(storage.engine, "begin", _begin)
        storage.engine.dispose()
    return storage


def _leave_transactions_to_us(connection: Any, record: Any) -> None:
    connection.isolation_level = None


def _begin(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
