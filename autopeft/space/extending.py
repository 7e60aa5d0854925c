"""`extends`: a space that starts from another one.

Mappings are merged key by key, constraints are appended, any other value takes the place of the inherited one, and
null removes what was inherited.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autopeft.errors import SpaceError
from autopeft.space.document import Document, Lines, Mark, locate, parse_document, read_text
from autopeft.space.files import find_space, unknown_space

__all__ = ["extended"]

_Path = tuple[str, ...]


def extended(document: Document, folder: Path, trail: tuple[Path, ...] = ()) -> Document:
    """Return a space with what it inherits; one that extends nothing is returned as it is.

    Args:
        document: The space as written.
        folder: Where the paths of other space files start from.
        trail: The files that extend this one, to find circles.

    Raises:
        SpaceError: When the other space cannot be found or read, or extends this one in turn.
    """
    if "extends" not in document.data:
        return document
    data = dict(document.data)
    trail = (*trail, Path(document.source).resolve())
    base = _base(data.pop("extends"), locate(document.lines, ("extends",), document.source), folder, trail)
    base.data.pop("name", None)
    base.lines.pop(("name",), None)
    merged = Document(base.data, document.source, base.lines, [*base.problems, *document.problems])
    _merge(merged, data, document.lines)
    return merged


def _base(name: Any, here: Mark, folder: Path, trail: tuple[Path, ...]) -> Document:
    path = find_space(name, folder) if isinstance(name, str) else None
    if path is None:
        fault = f"found {name!r}, expected a name or a file" if not isinstance(name, str) else unknown_space(name)
        raise SpaceError([f"{here}: extends: {fault}"])
    real = path.resolve()
    if real in trail:
        circle = " -> ".join(each.name for each in (*trail[trail.index(real) :], real))
        raise SpaceError([f"{here}: extends: found a circle, {circle}; expected a space that does not extend this one"])
    try:
        text = read_text(path)
    except SpaceError as error:
        raise SpaceError([f"{here}: extends: {problem}" for problem in error.problems]) from None
    return extended(parse_document(text, str(path)), path.parent, trail)


def _merge(merged: Document, own: Mapping[Any, Any], lines: Lines) -> None:
    _merge_into(merged, merged.data, own, lines, ())


def _merge_into(merged: Document, base: dict[Any, Any], own: Mapping[Any, Any], lines: Lines, path: _Path) -> None:
    for key, value in own.items():
        here = (*path, str(key))
        inherited = base.get(key)
        if value is None and key not in base:
            mark = locate(lines, here, merged.source)
            merged.problems.append(
                f"{mark}: {'.'.join(here)}: found null, but nothing of that name is inherited that it could remove; "
                "expected a value, or {} for a method without knobs"
            )
        elif value is None:
            del base[key]
            _forget(merged.lines, here)
        elif isinstance(inherited, dict) and isinstance(value, Mapping):
            merged.lines |= {here: lines[here]} if here in lines else {}
            _merge_into(merged, inherited, value, lines, here)
        elif here == ("constraints",) and isinstance(inherited, list) and isinstance(value, list):
            merged.lines |= {
                (*here, str(len(inherited) + i)): locate(lines, (*here, str(i)), merged.source)
                for i in range(len(value))
            }
            base[key] = [*inherited, *value]
        else:
            _forget(merged.lines, here)
            merged.lines |= {path: mark for path, mark in lines.items() if path[: len(here)] == here}
            base[key] = value


def _forget(lines: Lines, path: _Path) -> None:
    for inner in [inner for inner in lines if inner[: len(path)] == path]:
        del lines[inner]
