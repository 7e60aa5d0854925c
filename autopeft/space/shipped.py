"""The spaces that come with autopeft."""

from __future__ import annotations

from autopeft.errors import SpaceError
from autopeft.space.files import find_space, purpose_of, shipped_spaces, unknown_space
from autopeft.space.space import SearchSpace

__all__ = ["load_space", "purpose_of", "shipped_spaces"]


def load_space(name: str) -> SearchSpace:
    """Load a shipped space by name, or a space from a YAML file.

    Raises:
        SpaceError: When it is neither, or the file is no YAML mapping.
    """
    path = find_space(name)
    if path is None:
        raise SpaceError([unknown_space(name)])
    return SearchSpace.from_file(path)
