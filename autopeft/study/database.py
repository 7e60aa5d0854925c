"""The file of a study, looked at before it is opened: what is damaged or another's is neither changed nor taken for it.

Optuna makes its tables in whatever SQLite file it is given, and an empty one passes for a study that has not begun.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import optuna

from autopeft.errors import RunError, StudyError

__all__ = ["DATABASE", "check_begun", "sqlite_file", "study_names", "unreadable"]

#: File name of the study inside a run folder.
DATABASE = "study.db"

#: What else a search leaves in its run folder.
_PLAN = "study.yaml"
_TRACES = ("front.json", "finalists.json", "finalists")

#: What every SQLite file begins with.
_MAGIC = b"SQLite format 3\0"

#: What to do about a file that cannot be read.
_MEND = "put it back from a copy, move it away to begin anew, or choose another with --out or --storage"


def sqlite_file(url: str) -> Path | None:
    """Return the file of a storage; None where it is no SQLite file, or the URL is none."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        found = make_url(url)
    except (ArgumentError, ValueError):
        return None
    name = found.database
    if found.get_backend_name() != "sqlite" or not name or name.startswith((":", "file:")):
        return None
    return Path(name)


def study_names(file: Path) -> list[str]:
    """Return the names of the studies in a file, which is not changed; none where there is no file, or nothing in it.

    Raises:
        StudyError: When it is damaged, no SQLite database, or a database of something else.
    """
    if not file.exists():
        return []
    if not file.is_file():
        raise StudyError(f"{file} is a folder; expected the database of a study: {_MEND}")
    with file.open("rb") as stream:
        begin = stream.read(len(_MAGIC))
    if begin and begin != _MAGIC:
        raise StudyError(f"{file} is no SQLite database; expected the database of a study: {_MEND}")
    try:
        # Not read-only: of a process that was killed SQLite undoes what was half-written.
        with closing(sqlite3.connect(f"file:{quote(str(file))}?mode=rw", uri=True, timeout=60)) as connection:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if "studies" not in tables:
                _check_ours(file, tables)
                return []
            [(fault,)] = connection.execute("PRAGMA quick_check(1)").fetchall()
            if fault != "ok":
                raise StudyError(f"{file} is damaged ({fault}); {_MEND}")
            return [name for (name,) in connection.execute("SELECT study_name FROM studies ORDER BY study_id")]
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise RunError(
                f"{file} has been locked by another process for a minute, which may be suspended; let it go on or end "
                "it, and run the same command again"
            ) from None
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise StudyError(f"cannot read {file}: {error}; expected the database of a study: {_MEND}") from None
        raise StudyError(f"{file} is damaged, or was cut ({error}); {_MEND}") from None


def check_begun(folder: Path) -> None:
    """Check that a run folder without a study never had one.

    Raises:
        StudyError: When it holds what a search left, and the study of that search is gone.
    """
    there = [name for name in _TRACES if (folder / name).exists()]
    plan = folder / _PLAN
    # Of a plan that a user wrote it says nothing that it lies here; ours names its folder.
    if plan.is_file() and re.search(r"^out: ['\"]?(/|\w:\\)", plan.read_text(encoding="utf8", errors="replace"), re.M):
        there.insert(0, _PLAN)
    if there:
        raise StudyError(
            f"{folder} holds {', '.join(there)} of an earlier search, but {DATABASE} there has no study any more; "
            "put it back from a copy, choose another folder with --out, or begin anew with --fresh"
        )


def unreadable(file: Path, error: Exception) -> StudyError:
    """Return what there is to say of a sound database that Optuna cannot open: that it is of another version."""
    with closing(sqlite3.connect(file)) as connection:
        [(writer,)] = connection.execute("SELECT library_version FROM version_info").fetchall() or [
            ("another version",)
        ]
    if writer == optuna.__version__:
        return StudyError(f"cannot open {file}: {error}; {_MEND}")
    return StudyError(
        f"{file} was written with Optuna {writer}, which Optuna {optuna.__version__}, installed here, cannot read; "
        "install the version that wrote it or a later one, or choose another folder with --out"
    )


def _check_ours(file: Path, tables: set[str]) -> None:
    """Refuse the tables of something else; of a process that was killed some of a study's may be missing."""
    from optuna.storages._rdb.models import BaseModel

    others = sorted(tables - set(BaseModel.metadata.tables) - {"alembic_version", "sqlite_sequence"})
    if others:
        raise StudyError(
            f"{file} holds the tables {', '.join(others[:5])}, which are no study's; expected the database of a study: "
            f"{_MEND}"
        )
