"""What may become of a file: each is a function that does it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import optuna

__all__ = ["another", "cut", "emptied", "foreign", "gone", "newer", "strange", "unnamed"]


def cut(file: Path) -> None:
    """Leave half of it."""
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def emptied(file: Path) -> None:
    """Leave its name."""
    file.write_bytes(b"")


def foreign(file: Path) -> None:
    """Put text in its place."""
    file.write_text("find out which adapter is best\n")


def gone(file: Path) -> None:
    """Delete it."""
    file.unlink()


def another(file: Path) -> None:
    """Put a database of another program in its place."""
    file.unlink()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE notes (note TEXT)")
        connection.commit()


def strange(file: Path) -> None:
    """Put a study in its place that somebody began with Optuna alone."""
    file.unlink()
    optuna.create_study(study_name="mine", storage=f"sqlite:///{file}")


def newer(file: Path) -> None:
    """Let a later Optuna have written it."""
    _change(file, "UPDATE alembic_version SET version_num = 'v99.0.0.a'")
    _change(file, "UPDATE version_info SET library_version = '99.0.0', schema_version = 99")


def unnamed(file: Path) -> None:
    """Take out what says of what a study is."""
    _change(file, "DELETE FROM study_user_attributes WHERE key = 'spec'")


def _change(file: Path, statement: str) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(statement)
        connection.commit()
