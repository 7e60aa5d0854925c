"""The paths that a user gives, made independent of the working directory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from glob import escape, glob, has_magic
from pathlib import Path
from typing import Any

from autopeft.backbones.gguf import SMOLLM2
from autopeft.backbones.source import PACKAGED
from autopeft.errors import DataError
from autopeft.passwords import without_passwords
from autopeft.space import shipped_spaces

__all__ = ["PATHS", "absolute"]


def absolute(name: str, value: Any) -> Any:
    """Return a setting of a plan with its path absolute; what names no path is returned as it is.

    Args:
        name: Name of the setting, one of `PATHS`.
        value: What the user gave.

    Raises:
        DataError: When it can be no path: it is too long, or names the home of nobody.
    """
    if not isinstance(value, str | Path):
        return value
    try:
        found = PATHS[name](str(value))
    except (RuntimeError, ValueError, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"'{without_passwords(str(value))[:200]}' is no path that can be read: {reason}") from error
    return value if found is None else type(value)(found)


def _there(value: str) -> str | None:
    """Locate a file or folder that exists; of one that does not, a message shall say what was typed."""
    path = Path(value).expanduser()
    return str(path.absolute()) if path.exists() else None


def _new(value: str) -> str:
    return str(Path(value).expanduser().absolute())


def _rows(value: str) -> str | None:
    """Locate a file, a folder or a pattern of files; a data set on the hub is none of them."""
    if (found := _there(value)) is not None:
        return found
    expanded = str(Path(value).expanduser())
    if has_magic(expanded) and glob(expanded, recursive=True):
        # The working directory's own name may hold a letter that means something in a pattern.
        return expanded if Path(expanded).is_absolute() else str(Path(escape(str(Path.cwd())), expanded))
    folder, colon, subset = value.partition(":")
    return f"{found}:{subset}" if colon and Path(folder).is_dir() and (found := _there(folder)) else None


def _model(value: str) -> str | None:
    # A packaged name means the package, and a file of the name of a hub model is no model.
    return _there(value) if value not in (PACKAGED, SMOLLM2) and Path(value).expanduser().is_dir() else None


def _space(value: str) -> str | None:
    return _there(value) if value not in shipped_spaces() and Path(value).expanduser().is_file() else None


def _database(value: str) -> str | None:
    """Locate the file of an SQLite URL."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(value)
    except (ArgumentError, ValueError):
        # What is wrong with it is said where it is opened, without its password.
        return None
    file = url.database
    if url.get_backend_name() != "sqlite" or not file or file.startswith((":", "file:")):
        return None
    return url.set(database=str(Path(file).absolute())).render_as_string(hide_password=False)


#: How the path in each setting of a plan that may hold one is found; None where there is none.
PATHS: Mapping[str, Callable[[str], str | None]] = {
    "model": _model,
    "roles": _there,
    "data": _rows,
    "validation": _rows,
    "test": _rows,
    "pool": _rows,
    "space": _space,
    "plugin": _there,
    "warm_start": _there,
    "storage": _database,
    "out": _new,
}
