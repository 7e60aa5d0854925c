"""YAML with places: plain data, and the line on which each key stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from autopeft.errors import SpaceError

__all__ = ["KEYS", "OPTIONAL", "Document", "Lines", "Mark", "locate", "parse_document", "read_text"]

#: The keys of a space, in the order in which they are written.
KEYS = ("name", "layers", "modules", "choose", "training", "data", "constraints")

#: The key of a method that configurations may be without.
OPTIONAL = "optional"


class Mark(NamedTuple):
    """Where something is written: a file, and its line counted from 1 (0: unknown)."""

    source: str
    line: int

    def __str__(self) -> str:
        return f"{self.source}:{self.line}" if self.line else self.source


#: From the path of a key, e.g. ("modules", "lora", "rank"), or of a list's item, to where it is written.
Lines = dict[tuple[str, ...], Mark]


@dataclass
class Document:
    """A space as written.

    Args:
        data: Its plain data.
        source: Its file, for messages.
        lines: Where its keys are written.
        problems: What is wrong with how it is written, such as keys given twice.
    """

    data: dict[str, Any]
    source: str
    lines: Lines = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def locate(lines: Mapping[tuple[str, ...], Mark], path: tuple[str, ...], source: str) -> Mark:
    """Return where a key is written, or the nearest key around it."""
    around = (path[:end] for end in range(len(path), 0, -1))
    return next((lines[part] for part in around if part in lines), Mark(source, 0))


def read_text(path: Path | str) -> str:
    """Read the text of a space file.

    Raises:
        SpaceError: When it cannot be read.
    """
    try:
        return Path(path).read_text(encoding="utf8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SpaceError([f"cannot read {path}: {reason}; expected a YAML file of a search space"]) from None


def parse_document(text: str, source: str) -> Document:
    """Parse YAML text.

    Raises:
        SpaceError: When the text is no YAML, or no mapping.
    """
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SpaceError([f"{source}:{line}: not YAML: {error.problem}"]) from None
    except yaml.YAMLError as error:
        raise SpaceError([f"{source}: not YAML: {' '.join(str(error).split())}"]) from None
    except ValueError as error:
        raise SpaceError([f"{source}: not YAML: {error}"]) from None
    if not isinstance(node, yaml.MappingNode):
        found = "nothing" if node is None else f"a {type(node).__name__.removesuffix('Node').lower()}"
        raise SpaceError([f"{source}:1: found {found}, expected a mapping with `modules` or `choose`"])
    document = Document(data, source)
    try:
        _walk(node, (), document)
    except RecursionError:
        raise SpaceError([f"{source}: an alias refers to what it stands in; write it out"]) from None
    return document


def _walk(node: yaml.Node, path: tuple[str, ...], document: Document) -> None:
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            inner = (*path, str(index))
            document.lines[inner] = Mark(document.source, item.start_mark.line + 1)
            _walk(item, inner, document)
    if not isinstance(node, yaml.MappingNode):
        return
    for key, value in node.value:
        inner = (*path, str(key.value))
        here = Mark(document.source, key.start_mark.line + 1)
        first = document.lines.setdefault(inner, here)
        if first is not here:
            name = ".".join(inner)
            document.problems.append(f"{here}: {name}: given twice, first on line {first.line}; keep one")
        _walk(value, inner, document)
