"""Where spaces are found: shipped ones by name, others as files."""

from __future__ import annotations

import re
from difflib import get_close_matches
from itertools import takewhile
from pathlib import Path

__all__ = ["find_space", "purpose_of", "shipped_spaces", "unknown_space"]


def shipped_spaces() -> list[str]:
    """Return the names of the shipped spaces."""
    return sorted(path.stem for path in _folder().glob("*.yaml"))


def purpose_of(name: str) -> str:
    """Return the first sentence of the comment with which the file of a shipped space begins."""
    lines = (_folder() / f"{name}.yaml").read_text(encoding="utf8").splitlines()
    comment = " ".join(line.removeprefix("#").strip() for line in takewhile(lambda line: line.startswith("#"), lines))
    return re.split(r"(?<!\bal)\.\s+", comment, maxsplit=1)[0].removesuffix(".")


def find_space(name: str, beside: Path | None = None) -> Path | None:
    """Return the file of a shipped space or, when it looks like a file, of any other; None when it is neither.

    Args:
        name: Name of a shipped space, or a path.
        beside: The folder that a relative path starts from; the working directory by default.
    """
    if name in shipped_spaces():
        return _folder() / f"{name}.yaml"
    path = (beside or Path()) / name
    return path if name.endswith((".yaml", ".yml")) or _is_file(path) else None


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        # Too long a name for a file, or no name at all.
        return False


def unknown_space(name: str) -> str:
    """Say that no space has a name, and what was expected."""
    shipped = shipped_spaces()
    near = get_close_matches(name, shipped, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"expected one of {', '.join(shipped)}, or a YAML file"
    return f"no space is called {name[:200]!r}; {hint}"


def _folder() -> Path:
    # Beside the package in a source checkout, inside it when installed from a wheel.
    package = Path(__file__).resolve().parents[1]
    inside = package / "search_spaces"
    return inside if inside.is_dir() else package.parent / "search_spaces"
