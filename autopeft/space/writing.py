"""Spaces as text: YAML, and the Python that makes the same space."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from autopeft.space.document import KEYS

__all__ = ["to_python", "to_yaml"]

_WIDTH = 110


def to_yaml(data: Mapping[str, Any]) -> str:
    """Write a space's data as YAML."""
    return yaml.safe_dump(_ordered(data), sort_keys=False, width=_WIDTH, allow_unicode=True)


def to_python(data: Mapping[str, Any]) -> str:
    """Write a space's data as a call of `SearchSpace`."""
    ordered = _ordered(data)
    name = ordered.pop("name")
    arguments = [repr(name), *(f"{key}={_literal(value, 4, len(key) + 2)}" for key, value in ordered.items())]
    line = f"SearchSpace({', '.join(arguments)})"
    if len(line) <= _WIDTH and "\n" not in line:
        return line
    return "SearchSpace(\n" + "".join(f"    {argument},\n" for argument in arguments) + ")"


def _ordered(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: data[key] for key in (*KEYS, *(data.keys() - set(KEYS))) if key in data}


def _literal(value: Any, indent: int, used: int) -> str:
    """Return a literal, broken over lines where it would be too long.

    Args:
        value: What to write.
        indent: Where the line begins that it stands in.
        used: Characters before and after it on that line.
    """
    line = repr(value)
    if not isinstance(value, dict | list) or len(line) + indent + used <= _WIDTH:
        return line
    margin = " " * (indent + 4)
    if isinstance(value, list):
        items = [f"{margin}{_literal(item, indent + 4, 1)},\n" for item in value]
    else:
        items = [f"{margin}{key!r}: {_literal(item, indent + 4, len(repr(key)) + 3)},\n" for key, item in value.items()]
    opening, closing = "[]" if isinstance(value, list) else "{}"
    return f"{opening}\n{''.join(items)}{' ' * indent}{closing}"
