"""The spaces that come with autopeft."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from autopeft.errors import SpaceError
from autopeft.space.space import SearchSpace

__all__ = ["load_space", "shipped_spaces"]


def shipped_spaces() -> list[str]:
    """Return the names of the shipped spaces."""
    return sorted(path.stem for path in _folder().glob("*.yaml"))


def load_space(name: str) -> SearchSpace:
    """Load a shipped space by name, or a space from a YAML file.

    Raises:
        SpaceError: When it is neither, or the file is no YAML mapping.
    """
    shipped = shipped_spaces()
    if name in shipped:
        return SearchSpace.from_file(_folder() / f"{name}.yaml")
    if name.endswith((".yaml", ".yml")) or Path(name).exists():
        return SearchSpace.from_file(name)
    near = get_close_matches(name, shipped, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"expected one of {', '.join(shipped)}, or a YAML file"
    raise SpaceError([f"no space is called {name!r}; {hint}"])


def _folder() -> Path:
    # Beside the package in a source checkout, inside it when installed from a wheel.
    package = Path(__file__).resolve().parents[1]
    inside = package / "search_spaces"
    return inside if inside.is_dir() else package.parent / "search_spaces"
