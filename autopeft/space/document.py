"""YAML with places: plain data, and the line on which each key stands."""

from __future__ import annotations

from typing import Any

import yaml

from autopeft.errors import SpaceError

__all__ = ["Lines", "parse_document"]

#: From the path of a key, e.g. ("modules", "lora", "rank"), to its line, counted from 1.
Lines = dict[tuple[str, ...], int]


def parse_document(text: str, source: str) -> tuple[dict[str, Any], Lines, list[str]]:
    """Parse YAML text.

    Returns:
        The data, the lines of its keys, and problems found on the way (keys given twice).

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
    lines: Lines = {}
    problems: list[str] = []
    try:
        _walk(node, (), source, lines, problems)
    except RecursionError:
        raise SpaceError([f"{source}: an alias refers to what it stands in; write it out"]) from None
    return data, lines, problems


def _walk(node: yaml.Node, path: tuple[str, ...], source: str, lines: Lines, problems: list[str]) -> None:
    if not isinstance(node, yaml.MappingNode):
        return
    for key, value in node.value:
        inner = (*path, str(key.value))
        line = key.start_mark.line + 1
        if inner in lines:
            problems.append(f"{source}:{line}: {'.'.join(inner)}: given twice, first on line {lines[inner]}; keep one")
        lines.setdefault(inner, line)
        _walk(value, inner, source, lines, problems)
