"""The databases that studies live in, so that several processes may work on one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import optuna
from optuna.exceptions import StorageInternalError
from sqlalchemy import event

from autopeft.errors import RunError, StudyError
from autopeft.passwords import without_passwords
from autopeft.study.database import sqlite_file, study_names, unreadable
from autopeft.study.urls import shown, with_password

__all__ = ["PATIENCE_SECONDS", "answering", "connect", "dialled", "unopened"]

#: So long a database is waited for that another process holds locked.
PATIENCE_SECONDS = 60.0

#: So long a server is waited for that does not answer at all.
_REACH_SECONDS = 10

#: What a database says that is locked, or has no room.
_LOCKED, _FULL = ("locked", "busy"), ("is full", "No space left", "disk I/O error", "quota")

_AGAIN = "finished trials are kept: run the same command again"

#: What it says of tables that others make at the same moment, and how often that may be.
_TRIES = 20
_MADE_MEANWHILE = ("already exists", "duplicate key", "UNIQUE constraint")


def connect(url: str, *, reading: bool = False) -> optuna.storages.RDBStorage:
    """Connect to a database.

    Args:
        url: Its RDB URL.
        reading: Whether nothing will be written, as where the file cannot be.

    Raises:
        StudyError: When it cannot be opened.
        RunError: When another process has locked it for too long.
    """
    url, options = dialled(url)
    file = sqlite_file(url)
    if file is not None:
        study_names(file)
    try:
        storage = _opened(url, options)
    except ModuleNotFoundError as error:
        raise StudyError(
            f"cannot open the storage {shown(url)}: {error.name} is not installed; of PostgreSQL "
            "`pip install 'autopeft[postgresql]'` brings it"
        ) from None
    except Exception as error:
        if file is not None and file.is_file() and isinstance(error, RuntimeError):
            raise unreadable(file, error) from None
        if any(word in str(error) for word in _LOCKED):
            waited = f"{PATIENCE_SECONDS:.0f} s"
            where = shown(url)
            raise RunError(f"{where} has been locked by another process for {waited}; {_AGAIN}") from None
        raise unopened(url, error) from None
    if url.startswith("sqlite") and not reading:
        # Else two processes read that a trial waits before one of them takes it, and both do.
        event.listen(storage.engine, "connect", _leave_transactions_to_us)
        event.listen(storage.engine, "begin", _begin)
        storage.engine.dispose()
    return storage


def dialled(url: str) -> tuple[str, dict[str, Any]]:
    """Return a URL with driver and password, and the settings of SQLAlchemy's engine for it: how long it waits.

    Raises:
        StudyError: When its password has signs in it that end it.
    """
    url = with_password(url)
    plain = "postgresql://"
    if url.startswith(plain) and find_spec("psycopg2") is None:
        # SQLAlchemy may take this for the elder driver.
        url = f"postgresql+psycopg://{url.removeprefix(plain)}"
    if url.startswith("sqlite"):
        return url, {"connect_args": {"timeout": PATIENCE_SECONDS}}
    # A server may have been started anew since.
    options: dict[str, Any] = {"pool_pre_ping": True}
    if url.startswith("postgresql"):
        options["connect_args"] = {"connect_timeout": _REACH_SECONDS}
    return url, options


def _opened(url: str, options: dict[str, Any]) -> optuna.storages.RDBStorage:
    for last in (*[False] * _TRIES, True):
        try:
            return optuna.storages.RDBStorage(url, engine_kwargs=options)
        except Exception as error:
            # Those that begin at once all make the tables.
            if last or not any(words in str(error) for words in _MADE_MEANWHILE):
                raise
            time.sleep(0.2)
    raise AssertionError


def unopened(url: str, reason: Exception | str) -> StudyError:
    """Return what there is to say of a storage that cannot be opened."""
    # SQLAlchemy adds the statement and an address to what the database said.
    said = next(iter(str(getattr(reason, "orig", reason)).splitlines()), type(reason).__name__)
    if isinstance(reason, ValueError):
        # It quotes what it takes for the port, which may be a password with a slash in it.
        said = "it is no URL; in a password a : is written as %3A, a / as %2F and an @ as %40"
    if "password" in said:
        said += ", and no file of a run holds a password: PGPASSWORD, or a line in ~/.pgpass, gives it to PostgreSQL"
    return StudyError(
        without_passwords(
            f"cannot open the storage {shown(url)}: {said}; expected an RDB URL such as sqlite:///study.db or "
        )
        + "postgresql://USER@HOST/DATABASE, of a database that can be reached and written; give another by --storage, "
        "or leave it out"
    )


def _leave_transactions_to_us(connection: Any, record: Any) -> None:
    connection.isolation_level = None


def _begin(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


@contextmanager
def answering(where: str) -> Iterator[None]:
    """Say in one sentence what keeps a database from answering; what it holds of finished trials it keeps.

    Args:
        where: Its file or URL, for the message.

    Raises:
        RunError: When it is locked for too long, its disk is full, or it does not answer.
    """
    where = shown(where)
    try:
        yield
    except KeyError as error:
        # What Optuna says of rows that are not there.
        if "Record does not exist" not in str(error):
            raise
        raise RunError(f"the study in {where} was dropped by another process, by --fresh or --extend") from error
    except StorageInternalError as error:
        reason = without_passwords(" ".join(str(error.__cause__ or error).split()))
        if any(word in reason for word in _LOCKED):
            raise RunError(
                f"the study in {where} has been locked by another process for {PATIENCE_SECONDS:.0f} s; {_AGAIN} when "
                "that has ended"
            ) from error
        if any(word in reason for word in _FULL):
            raise RunError(f"the disk of {where} is full; make room, {_AGAIN}") from error
        raise RunError(f"the storage {where} does not answer: {reason[:300]}; {_AGAIN} when it does") from error
