"""A folder with adapters of its own for each of several tasks: a folder for each, and what their names are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from autopeft.errors import ConfigurationError, StudyError
from autopeft.whole_file import read_json, write_json

__all__ = ["ROUTES", "check_one_task", "read_routes", "write_routes"]

#: Its file.
ROUTES = "tasks.json"


def write_routes(folder: Path, names: Sequence[str]) -> None:
    """Write the names of the tasks, which are those of their folders."""
    write_json(folder / ROUTES, {"tasks": list(names)})


def read_routes(folder: Path) -> list[str]:
    """Return the names of the tasks that have a folder here; none where this is no such folder.

    Raises:
        StudyError: When the file is damaged, or names what is no folder here.
    """
    path = folder / ROUTES
    if not path.is_file():
        return []
    names = read_json(path, "train them again").get("tasks")
    here = [each.name for each in folder.iterdir() if each.is_dir()]
    if not isinstance(names, list) or not names or not set(map(str, names)) <= set(here):
        raise StudyError(f"{path} names {names}; expected the folders of tasks beside it; train them again")
    return names


def check_one_task(folder: Path) -> None:
    """Check that a folder holds adapters itself.

    Raises:
        ConfigurationError: When each of several tasks has a folder of its own there.
    """
    if tasks := read_routes(folder):
        raise ConfigurationError(
            f"{folder} has a folder for each of several tasks; expected one of these: {', '.join(tasks)}"
        )
